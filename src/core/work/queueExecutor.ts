import { failure, RxnasError } from '../errors.js';
import { closedError, type Executor, GivenUp } from './executor.js';
import type { AnyMessages, WorkFiles } from './kind.js';
import { answerMessage, fromBytes, messageVersion, toBytes, unitKey } from './message.js';

/** A queue that workers elsewhere take units from, and the answers they store. Both outlive this process. */
export interface WorkQueue {
  /**
   * Begins the work of a run: calls back with each answer that is stored from now on, in any order and perhaps more than once. Gives the keys
   * that are answered already.
   */
  listen(
    run: string,
    onAnswer: (key: string, answer: Uint8Array) => void,
    onLost: (error: Error) => void,
  ): Promise<Set<string>>;
  /** Puts a unit into the queue, durably, and gives true; false where it is there already. Rejects with a RxnasError where it cannot. */
  offer(key: string, unit: Uint8Array): Promise<boolean>;
  /** The stored answer of a unit. */
  answer(key: string): Promise<Uint8Array | undefined>;
  /** Takes a stored answer away. */
  forget(key: string): Promise<void>;
  /** Takes back the units of the run that are still in the queue. */
  withdraw(): Promise<void>;
  /** Workers that are alive. */
  workers(): Promise<number>;
  readonly files: WorkFiles;
  close(): Promise<void>;
}

/** Time, so that a test can let hours pass. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Calls back every so many milliseconds, until what it gives is called. */
  every(milliseconds: number, callback: () => void): () => void;
}

const realClock: Clock = {
  now: () => performance.now(),
  every(milliseconds, callback) {
    const timer = setInterval(callback, milliseconds);
    return () => clearInterval(timer);
  },
};

export interface QueueExecutorOptions<Work> {
  /** Closed with the executor. */
  queue: WorkQueue;
  /** Name of the run that the work belongs to; asked for when the first work comes. */
  run(): string;
  /** Units that are in the queue or under way at once; others wait here. */
  slots: number;
  /** How often a worker begins a unit whose process dies. */
  attempts: number;
  /** Told what the person who watches should know. */
  onNote?: (line: string) => void;
  /** Told of a unit that was given up. */
  onCrash?: (reason: string, work: Work, failures: number) => void;
  clock?: Clock;
}

/** What an executor has seen of its units. */
export interface QueueCounts {
  /** Units put into the queue. */
  offered: number;
  /** Units answered by a result or an error. */
  answered: number;
  /** Of these, results that were stored before this process began. */
  kept: number;
  /** Answers to units that were answered already; dropped. */
  duplicates: number;
  /** Answers that are none; thrown away, and their units offered again. */
  refused: number;
  /** Units that were set aside after too many attempts. */
  givenUp: number;
}

/** How often what is outstanding is looked after, and how long a unit is trusted to be on its way. */
const lookEvery = 10_000;
const trustFor = 30_000;
/** Answers to one unit that are thrown away until it is given up. */
const mostRefused = 3;

interface Task<Work, Result> {
  readonly work: Work;
  resolve(result: Result): void;
  reject(error: unknown): void;
  /** Where it was put into the queue: when it was last seen to. */
  seen: number;
  refused: number;
  isAnswered: boolean;
}

/**
 * Carries out work by workers that take it from a {@link WorkQueue}. Everything it has asked for has a key made of its content and its run: a
 * unit that is offered twice is one, an answer that comes twice counts once, and a run that is resumed finds the answers that were stored
 * meanwhile. Units that got lost (a queue that was emptied) are offered again.
 */
export class QueueExecutor<Work, Result> implements Executor<Work, Result> {
  readonly slots: number;
  readonly counts: QueueCounts = {
    offered: 0,
    answered: 0,
    kept: 0,
    duplicates: 0,
    refused: 0,
    givenUp: 0,
  };
  readonly #kind: AnyMessages<Work, Result>;
  readonly #options: QueueExecutorOptions<Work>;
  readonly #clock: Clock;
  /** In the order in which they came. */
  readonly #waiting = new Set<Task<Work, Result>>();
  readonly #outstanding = new Map<string, Task<Work, Result>>();
  /** Tasks on their way into the queue or in it. */
  #underWay = 0;
  readonly #beginning = new Set<Promise<void>>();
  /** Keys that were answered before this process began. */
  #before = new Set<string>();
  #listening: Promise<string> | undefined;
  #stopLooking = () => {};
  #looking: Promise<void> = Promise.resolve();
  #lastAnswer: number;
  #closed: Error | undefined;

  constructor(kind: AnyMessages<Work, Result>, options: QueueExecutorOptions<Work>) {
    this.#kind = kind;
    this.#options = options;
    this.slots = options.slots;
    this.#clock = options.clock ?? realClock;
    this.#lastAnswer = this.#clock.now();
  }

  run(work: Work): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed);
      this.#waiting.add({ work, resolve, reject, seen: 0, refused: 0, isAnswered: false });
      this.#go();
    });
  }

  /** Units that nobody has begun are taken out of the queue; answers to the others are kept there for whoever resumes the run. */
  async close(): Promise<void> {
    const { queue } = this.#options;
    this.#fail(closedError());
    await Promise.all([this.#looking, ...this.#beginning]);
    // Where the server has gone, they are done, and found when the run is resumed.
    if (this.#listening) await queue.withdraw().catch(() => {});
    await queue.close();
  }

  #go(): void {
    for (const task of this.#waiting) {
      if (this.#underWay >= this.slots || this.#closed) return;
      this.#waiting.delete(task);
      this.#underWay++;
      const beginning = this.#begin(task).finally(() => this.#beginning.delete(beginning));
      this.#beginning.add(beginning);
    }
  }

  async #begin(task: Task<Work, Result>): Promise<void> {
    const { queue } = this.#options;
    let key: string | undefined;
    try {
      const run = await this.#listen();
      const bytes = await this.#message(task.work);
      key = unitKey(run, bytes);
      if (this.#closed) throw this.#closed;
      const same = this.#outstanding.get(key);
      if (same) {
        join(same, task);
        this.#free();
        return;
      }
      task.seen = this.#clock.now();
      this.#outstanding.set(key, task);
      if (this.#before.delete(key)) {
        const stored = await queue.answer(key);
        if (stored && (await this.#take(key, stored, true))) return;
        await queue.forget(key); // what failed then may succeed now
      }
      this.counts.offered++;
      if (await queue.offer(key, bytes)) return;
      // It may have been answered a moment ago, and not be out of the queue yet: then nobody answers it again.
      const stored = await queue.answer(key);
      if (stored && this.#outstanding.get(key) === task) await this.#take(key, stored);
    } catch (error) {
      if (key === undefined || this.#outstanding.get(key) === task) this.#free(key);
      task.reject(error);
    }
  }

  /** One unit less under way. */
  #free(key?: string): void {
    if (key !== undefined) this.#outstanding.delete(key);
    this.#underWay--;
    this.#go();
  }

  /** The name of the run, once it is listened to. */
  #listen(): Promise<string> {
    this.#listening ??= (async () => {
      const { queue, run: nameOfRun } = this.#options;
      const run = nameOfRun();
      this.#before = await queue.listen(
        run,
        (key, answer) => void this.#take(key, answer),
        (error) => this.#fail(error),
      );
      if (!this.#closed) {
        this.#stopLooking = this.#clock.every(lookEvery, () => {
          this.#looking = this.#looking.then(() => this.#look());
        });
      }
      return run;
    })();
    return this.#listening;
  }

  async #message(work: Work): Promise<Uint8Array> {
    const { name, toMessage } = this.#kind;
    const { attempts, queue } = this.#options;
    const sent = toMessage ? await toMessage(work, queue.files) : work;
    return toBytes({ v: messageVersion, kind: name, attempts, work: sent });
  }

  /**
   * Takes an answer in; whether its unit is done with.
   * @param before it was stored before this process began: only a result counts, what failed is tried again
   */
  async #take(key: string, bytes: Uint8Array, before = false): Promise<boolean> {
    const task = this.#outstanding.get(key);
    if (!task || task.isAnswered) {
      this.counts.duplicates++;
      return false;
    }
    const answer = answerMessage.safeParse(fromBytes(bytes)).data;
    const result =
      answer && 'result' in answer ? this.#kind.result(task.work).safeParse(answer.result) : undefined;
    if (!answer || result?.success === false) {
      this.counts.refused++;
      if (!before) void this.#again(key, task);
      return false;
    }
    if (before && !result) return false;
    task.isAnswered = true;
    this.#lastAnswer = this.#clock.now();
    if (before) this.counts.kept++;
    if ('gaveUp' in answer) {
      const { attempts, reason } = answer.gaveUp;
      this.counts.givenUp++;
      this.#options.onCrash?.(reason, task.work, attempts);
      task.reject(new GivenUp(this.#kind.describe(task.work), attempts, reason));
    } else if ('error' in answer) {
      this.counts.answered++;
      const { message, hint, exitCode } = answer.error;
      task.reject(new RxnasError(message, hint, exitCode));
    } else {
      this.counts.answered++;
      await this.#resolve(task, result!.data as Result);
    }
    this.#free(key);
    return true;
  }

  async #resolve(task: Task<Work, Result>, result: Result): Promise<void> {
    const { resultFromMessage } = this.#kind;
    try {
      const { files } = this.#options.queue;
      task.resolve(resultFromMessage ? await resultFromMessage(result, files) : result);
    } catch (error) {
      task.reject(error);
    }
  }

  /** An answer was none: its unit is asked for once more. */
  async #again(key: string, task: Task<Work, Result>): Promise<void> {
    try {
      if (++task.refused > mostRefused) {
        throw failure(
          `the answers to ${this.#kind.describe(task.work)} are none that this rxnas understands`,
          'see that workers have the same version, and that nobody else may write to the server; then resume the run',
        );
      }
      const { queue } = this.#options;
      await queue.forget(key);
      await queue.offer(key, await this.#message(task.work));
    } catch (error) {
      if (this.#outstanding.get(key) !== task) return;
      this.#free(key);
      task.reject(error);
    }
  }

  /** Sees to units that should have been answered long ago: their answer may have passed by, or they may be lost. */
  async #look(): Promise<void> {
    const { queue, onNote } = this.#options;
    const now = this.#clock.now();
    try {
      for (const [key, task] of this.#outstanding) {
        if (this.#closed) return;
        if (task.isAnswered || now - task.seen < trustFor) continue;
        task.seen = now;
        const stored = await queue.answer(key);
        if (this.#outstanding.get(key) !== task) continue;
        if (stored) await this.#take(key, stored);
        else await queue.offer(key, await this.#message(task.work));
      }
      if (this.#outstanding.size > 0 && now - this.#lastAnswer >= trustFor && (await queue.workers()) === 0) {
        this.#lastAnswer = now;
        onNote?.(
          `${this.#outstanding.size} units of work wait, and no worker is there: start some with rxnas worker --nats URL`,
        );
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Ends everything that waits or is outstanding. */
  #fail(error: Error): void {
    this.#closed ??= error;
    this.#stopLooking();
    const tasks = [...this.#waiting, ...this.#outstanding.values()];
    this.#waiting.clear();
    this.#outstanding.clear();
    for (const task of tasks) task.reject(error);
  }
}

/** Lets a task share what becomes of another one, which is the same unit. */
function join<Work, Result>(first: Task<Work, Result>, second: Task<Work, Result>): void {
  const { resolve, reject } = first;
  first.resolve = (result) => {
    resolve(result);
    second.resolve(result);
  };
  first.reject = (error) => {
    reject(error);
    second.reject(error);
  };
}
