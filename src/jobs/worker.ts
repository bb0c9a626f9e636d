import { firstValueFrom, type Observable } from 'rxjs';
import { trainingKind } from '../core/benchmark/live/trainingKind.js';
import { noteAbsences } from '../core/nats/absences.js';
import { objectFiles } from '../core/nats/files.js';
import { connectNats, natsOptions } from '../core/nats/index.js';
import { Objects } from '../core/nats/objects.js';
import { type AnyKind, NatsWorker, type WorkerCounts } from '../core/nats/worker.js';
import { sweepKind } from './sweep/unitKind.js';

/** What workers can do. A message brings a unit of one of these; anything else is refused. */
export const workKinds: readonly AnyKind[] = [trainingKind, sweepKind()];

export interface RunWorkerOptions {
  /** Address of the server, without secrets; default: `RXNAS_NATS_URL`, else this machine. */
  url?: string;
  /** Units of work at once. */
  slots: number;
  /** Milliseconds after which a worker that says nothing loses its work, for all workers of the server. */
  lease?: number;
  /** Milliseconds that work under way has to end in. */
  grace: number;
  /** Its first value lets the worker leave. */
  stop: Observable<unknown>;
  onNote: (line: string) => void;
}

/** A server may be away for as long as it likes (the longest that a timer can wait: 24 days). */
const patience = 2 ** 31 - 1;

/** Works for the runs of a NATS server until it is told to stop. */
export async function runWorker({
  url,
  slots,
  lease,
  grace,
  stop,
  onNote,
}: RunWorkerOptions): Promise<WorkerCounts> {
  const nats = await connectNats(url, { patience, ...natsOptions(), name: 'rxnas worker' });
  noteAbsences(nats, onNote);
  const files = objectFiles(new Objects(nats));
  const worker = new NatsWorker({ nats, kinds: workKinds, slots, files, onNote, ...(lease && { lease }) });
  try {
    const working = worker.run();
    onNote(`${worker.id} takes work from ${nats.where}, ${slots} at once`);
    void firstValueFrom(stop, { defaultValue: undefined }).then(() => worker.leave(grace));
    await working;
    return worker.counts;
  } finally {
    await nats.close();
  }
}
