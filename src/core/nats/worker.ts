import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import { exitCode, failure, RxnasError } from '../errors.js';
import { version } from '../version.js';
import { type Executor, GivenUp } from '../work/executor.js';
import { processesFor, type WorkFiles, type WorkKind } from '../work/kind.js';
import {
  type AnswerMessage,
  fromBytes,
  largestMessage,
  messageVersion,
  toBytes,
  unitKey,
  unitMessage,
} from '../work/message.js';
import type { ProcessExecutor } from '../work/processExecutor.js';
import type { Nats } from './connection.js';
import type { WorkerWord } from './workers.js';
import { aliveFor, openWorkStreams, streams, subjects, unitOf, workConsumer } from './workStreams.js';

// biome-ignore lint/suspicious/noExplicitAny: each kind has units and results of its own
export type AnyKind = WorkKind<any, any, any, any>;

export interface WorkerOptions {
  nats: Nats;
  /** What it can do. Anything else is refused. */
  kinds: readonly AnyKind[];
  /** Units that it works on at once, each in a process of its own. */
  slots: number;
  /** Milliseconds after which a worker that says nothing loses its work; for all workers of the server. */
  lease?: number;
  /** A unit is handed out so many times, to workers that die or are stopped, until it is set aside; default 20. */
  deliveries?: number;
  files: WorkFiles;
  onNote?: (line: string) => void;
}

/** What a worker has done since it began. */
export interface WorkerCounts {
  done: number;
  /** Units that ended in an error, or were given up. */
  failed: number;
  /** Messages that were no work it knows; thrown away. */
  refused: number;
  /** Units that had been done before and came again. */
  repeated: number;
}

const mostDeliveries = 20;
/** How long a slot waits for work before it asks anew. */
const askFor = 5000;

/**
 * Takes units of work from a NATS server and carries them out in processes of this machine. The answer is stored before the unit is
 * acknowledged; of a unit whose answer is there already that is told again, without any work.
 */
export class NatsWorker {
  readonly id = `${hostname()
    .replaceAll(/[^\w-]/g, '-')
    .slice(0, 60)}-${process.pid}-${randomUUID().slice(0, 4)}`;
  readonly counts: WorkerCounts = { done: 0, failed: 0, refused: 0, repeated: 0 };
  readonly #options: WorkerOptions;
  readonly #nats: Nats;
  readonly #executors = new Map<string, ProcessExecutor<unknown, unknown>>();
  readonly #since = Date.now();
  /** Units under way, by key. */
  readonly #units = new Map<string, WorkerWord['units'][number]>();
  #leaseTime = 0;
  readonly #leaving = new AbortController();
  #isClosed = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#nats = options.nats;
    for (const kind of options.kinds) {
      const onCrash = (reason: string, work: unknown, failures: number) =>
        this.#note(`${kind.describe(work)}, attempt ${failures}: ${reason}`);
      this.#executors.set(kind.name, processesFor(kind, { slots: options.slots, attempts: 1, onCrash }));
    }
  }

  /** Works until {@link leave}. Rejects where the server is lost for good. */
  async run(): Promise<void> {
    const { slots, lease } = this.#options;
    this.#leaseTime = await openWorkStreams(this.#nats, lease);
    this.tell();
    const telling = setInterval(() => this.tell(), aliveFor / 4);
    const lost = this.#nats.closed.then((error) => {
      if (error) throw error;
    });
    try {
      const serving = Array.from({ length: slots }, () => this.#serve());
      await Promise.race([Promise.all(serving), lost]);
    } finally {
      clearInterval(telling);
      await this.#close();
      await this.#nats.manager.streams
        .purge(streams.workers, { filter: subjects.worker(this.id) })
        .catch(() => {}); // it will be forgotten by itself
    }
  }

  /** Takes nothing more, finishes what is under way, and gives back what is not finished after `grace` milliseconds. */
  async leave(grace: number): Promise<void> {
    this.#leaving.abort();
    this.tell();
    const done = new AbortController();
    const late = pause(grace, undefined, { signal: done.signal }).then(
      () => this.#close(),
      () => {},
    );
    while (this.#units.size > 0 && !this.#isClosed) await pause(20);
    done.abort();
    await late;
  }

  async #close(): Promise<void> {
    this.#leaving.abort();
    this.#isClosed = true;
    await Promise.all(
      Array.from(this.#executors.values(), (executor: Executor<unknown, unknown>) => executor.close()),
    );
  }

  /** One slot. */
  async #serve(): Promise<void> {
    const { signal } = this.#leaving;
    const left = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    let consumer: Consumer | undefined;
    while (!signal.aborted) {
      try {
        consumer ??= await this.#nats.jetstream.consumers.get(streams.work, workConsumer);
        const asked = consumer.next({ expires: askFor });
        const message = await Promise.race([asked, left]);
        // What comes while it leaves is for others.
        if (signal.aborted) asked.then((late) => late?.nak()).catch(() => {});
        else if (message) await this.#handle(message);
      } catch {
        // The server is away, or what it had was removed: it comes back, or the connection ends.
        if (this.#nats.connection.isClosed()) return;
        consumer = undefined;
        await pause(500);
        await openWorkStreams(this.#nats).catch(() => {});
      }
    }
  }

  async #handle(message: JsMsg): Promise<void> {
    const read = this.#read(message);
    if (typeof read === 'string') {
      this.#refuse(message, read);
      return;
    }
    const { run, key, kind, work, attempts } = read;
    const deliveries = message.info.deliveryCount;
    const unit = { run, kind: kind.name, key, what: kind.describe(work), since: Date.now(), deliveries };
    this.#units.set(key, unit);
    const working = setInterval(() => message.working(), this.#leaseTime / 3);
    try {
      if (await this.#tellAgain(run, key)) {
        this.counts.repeated++;
        message.ack();
        return;
      }
      const answer = await this.#carryOut(kind, work, attempts, deliveries);
      if (!answer) {
        message.nak(); // given back
        return;
      }
      const said = {
        v: messageVersion,
        worker: this.id,
        deliveries,
        seconds: (Date.now() - unit.since) / 1000,
      } as const;
      if ('gaveUp' in answer) await this.#setAside(unit, message, answer.gaveUp);
      await this.#store(run, key, { ...said, ...answer } as AnswerMessage);
      message.ack();
    } catch (error) {
      // The answer could not be stored: the unit comes again, here or elsewhere.
      this.#note(`${unit.what}: ${(error as Error).message}`);
      message.nak(5000);
    } finally {
      clearInterval(working);
      this.#units.delete(key);
    }
  }

  /** The unit of a message, or what is wrong with it. */
  #read(message: JsMsg) {
    const named = unitOf(message.subject);
    if (!named) return `the subject ${message.subject} is none of a unit`;
    if (message.data.length > largestMessage) return `${message.data.length} bytes`;
    // Whoever sent what it stands for under this key is to be told; anybody else is not.
    if (unitKey(named.run, message.data) !== named.key) return 'its content is not that of its key';
    const { data: unit, error } = unitMessage.safeParse(fromBytes(message.data));
    const kind = this.#options.kinds.find(({ name }) => name === unit?.kind && name === named.kind);
    const work = kind?.message.safeParse(unit!.work);
    if (!unit || !kind || !work?.success) {
      const reason =
        unit && !kind
          ? `work of the kind '${printable(unit.kind)}' is not known here`
          : `it is no unit of work: ${printable(firstIssue(error ?? work?.error))}`;
      void this.#answerRefused(named.run, named.key, reason);
      return reason;
    }
    return { ...named, kind, work: work.data, attempts: unit.attempts };
  }

  #refuse(message: JsMsg, reason: string): void {
    message.term();
    const count = ++this.counts.refused;
    if (count <= 10 || count % 1000 === 0) this.#note(`refused a message (${count} so far): ${reason}`);
  }

  async #answerRefused(run: string, key: string, reason: string): Promise<void> {
    const error = {
      message: `the worker ${this.id} (rxnas ${version}) refuses a unit of work: ${reason}`,
      hint: 'let workers and the run have the same version of rxnas; then resume the run',
      exitCode: exitCode.failure,
    };
    await this.#store(run, key, {
      v: messageVersion,
      worker: this.id,
      deliveries: 1,
      seconds: 0,
      error,
    }).catch(() => {});
  }

  /** What becomes of a unit; undefined where this worker leaves before it is done. */
  async #carryOut(kind: AnyKind, work: unknown, attempts: number, deliveries: number) {
    if (deliveries > (this.#options.deliveries ?? mostDeliveries)) {
      const reason = `${deliveries - 1} workers that took it died or were stopped over it`;
      return { gaveUp: { attempts: deliveries - 1, reason } };
    }
    try {
      const own = kind.fromMessage ? await kind.fromMessage(work, this.#options.files) : work;
      const made = await this.#executors.get(kind.name)!.run(own, attempts);
      const result = kind.resultToMessage ? await kind.resultToMessage(made, this.#options.files) : made;
      const { length } = toBytes({ result });
      const most = Math.min(largestMessage, this.#nats.maxPayload) - 1000;
      if (length > most) {
        throw failure(
          `the result of ${kind.describe(work)} has ${length} bytes, a message ${most} at most`,
          'let the unit give less (fewer queries), or carry it out on this machine (--on processes)',
        );
      }
      this.counts.done++;
      return { result };
    } catch (error) {
      if (this.#isClosed) return undefined;
      this.counts.failed++;
      if (error instanceof GivenUp) return { gaveUp: { attempts: error.attempts, reason: error.reason } };
      if (!(error instanceof RxnasError)) throw error;
      const { message, hint, exitCode } = error;
      return { error: { message, hint, exitCode } };
    }
  }

  /** Tells the answer to a unit again, where it is answered already: whoever asks once more waits for it. */
  async #tellAgain(run: string, key: string): Promise<boolean> {
    const { manager, jetstream } = this.#nats;
    const last_by_subj = subjects.result(run, key);
    const stored = await this.#nats.request(() =>
      manager.streams.getMessage(streams.results, { last_by_subj }),
    );
    if (stored) await this.#nats.request(() => jetstream.publish(last_by_subj, stored.data));
    return stored !== null;
  }

  /** Stores an answer, unless there is one already: the first one counts. */
  async #store(run: string, key: string, answer: AnswerMessage): Promise<void> {
    const { jetstream } = this.#nats;
    const bytes = toBytes(answer);
    await this.#nats.request(() =>
      jetstream
        .publish(subjects.result(run, key), bytes, { expect: { lastSubjectSequence: 0 } })
        .catch((error) => {
          if (error.code !== 10071) throw error; // wrong last sequence
        }),
    );
  }

  async #setAside(
    { run, kind, key, what }: WorkerWord['units'][number],
    { data }: JsMsg,
    { attempts, reason }: { attempts: number; reason: string },
  ): Promise<void> {
    const { jetstream } = this.#nats;
    const bytes = toBytes({
      ...{ v: messageVersion, what, attempts, reason, worker: this.id },
      unit: fromBytes(data) as object,
    });
    await this.#nats.request(() => jetstream.publish(subjects.aside(run, kind, key), bytes));
    this.#note(`${what} was set aside: ${reason}`);
  }

  /** Says that it is alive, and what it does; every few seconds it does so by itself. */
  tell(): void {
    const word: WorkerWord = {
      ...{ v: messageVersion, id: this.id, host: hostname(), pid: process.pid, version },
      ...{
        slots: this.#options.slots,
        since: this.#since,
        isLeaving: this.#leaving.signal.aborted,
        ...this.counts,
      },
      units: [...this.#units.values()],
    };
    if (!this.#nats.connection.isClosed()) {
      this.#nats.connection.publish(subjects.worker(this.id), toBytes(word));
    }
  }

  #note(line: string): void {
    this.#options.onNote?.(line);
  }
}

const printable = (text: string) => text.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?');

const firstIssue = (error: { issues: { path: PropertyKey[]; message: string }[] } | undefined) => {
  const [issue] = error?.issues ?? [];
  return issue ? `${issue.path.join('.')} ${issue.message}`.trim() : 'not JSON';
};
