import type { AnyMessages } from '../work/kind.js';
import { QueueExecutor } from '../work/queueExecutor.js';
import { noteAbsences } from './absences.js';
import { connectNats } from './connection.js';
import { objectFiles } from './files.js';
import { Objects } from './objects.js';
import { NatsWorkQueue } from './workQueue.js';
import { openWorkStreams } from './workStreams.js';

export interface NatsExecutorOptions<Work> {
  /** Address of the server, without secrets; those come from the environment. */
  url: string;
  /** Name of the run; asked for when the first work comes. */
  run(): string;
  /** Units that are on the server at once. */
  slots?: number | undefined;
  attempts: number;
  onNote?: (line: string) => void;
  onCrash?: (reason: string, work: Work, failures: number) => void;
}

/** Enough for some hundred workers; a unit on the server takes 1 KB there and less here. */
const defaultSlots = 256;

/**
 * Carries out work by the workers of a NATS server (`rxnas worker`). Connects at once: rejects as `connectNats`, and with exit code 1 where the
 * streams cannot be made there.
 */
export async function openNatsExecutor<Work, Result>(
  kind: AnyMessages<Work, Result>,
  { url, slots = defaultSlots, run, onNote = () => {}, ...options }: NatsExecutorOptions<Work>,
): Promise<QueueExecutor<Work, Result>> {
  const nats = await connectNats(url);
  try {
    await openWorkStreams(nats);
  } catch (error) {
    await nats.close();
    throw error;
  }
  noteAbsences(nats, onNote);
  const queue = new NatsWorkQueue(nats, kind.name, objectFiles(new Objects(nats)));
  return new QueueExecutor(kind, { ...options, slots, onNote, queue, run: () => runToken(run()) });
}

/** A run's name as a part of a subject. */
const runToken = (run: string) => run.replaceAll(/[^\w-]/g, '-').slice(0, 200);
