import { Worker } from 'node:worker_threads';
import { failure } from '../errors.js';
import { awaitChange, controlBlock, publish, takeShards, word } from '../wasm/shards.js';
import { besideModule } from '../workers.js';

/** What a worker thread (worker.ts) is started with. */
export interface WorkerData {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Addresses of the control block, the task and the table of powers. */
  control: number;
  task: number;
  fractions: number;
  /** 1, 2, …; the main thread is 0. */
  thread: number;
}

/** How often in a row the main thread sleeps without news before it gives up. */
const sleeps = 10;

/**
 * The worker threads of the kernels. The main thread takes its part of every task and waits for the rest without returning to its event
 * loop, so that nothing can come between: miners and losses stay plain functions. Whoever wants threads says so and says when no
 * more; they start with the first task that is worth it, and end when nobody wants them.
 */
export class Crew {
  readonly #data: Omit<WorkerData, 'thread'>;
  readonly #runShard: (task: number, shard: number) => void;
  readonly #script: URL;
  readonly #workers = new Set<Worker>();
  /** Workers that were started: a number is not given out again while others are at work. */
  #started = 0;
  readonly #wishes = new Set<{ threads: number }>();

  constructor(
    data: Omit<WorkerData, 'thread'>,
    /** The main thread's part. */
    runShard: (task: number, shard: number) => void,
    script = besideModule(import.meta.url, 'worker.js'),
    /** How long the main thread sleeps at most, ms. */
    private readonly sleep = 1000,
  ) {
    this.#data = data;
    this.#runShard = runShard;
    this.#script = script;
  }

  /** Worker threads that are there. */
  get workers(): number {
    return this.#workers.size;
  }

  /** Threads that are wanted or there, the main thread included. */
  get threads(): number {
    return Math.max(1 + this.#started, ...[...this.#wishes].map(({ threads }) => threads));
  }

  /** Ask for so many threads, the main thread included, until what is returned is called; that resolves when they are gone. */
  share(threads: number): () => Promise<void> {
    const wish = { threads };
    this.#wishes.add(wish);
    return async () => {
      this.#wishes.delete(wish);
      if (this.#wishes.size === 0) await this.#stop();
    };
  }

  async #stop(): Promise<void> {
    const leaving = [...this.#workers].map((worker) => worker.terminate());
    this.#workers.clear();
    this.#started = 0;
    await Promise.allSettled(leaving);
  }

  /** Do all shards of the task; exit code 1 where a worker does not finish its own. */
  run(shards: number): void {
    this.#start();
    if (this.#workers.size === 0) {
      for (let shard = 0; shard < shards; shard++) this.#runShard(this.#data.task, shard);
      return;
    }
    const control = controlBlock(this.#data.memory, this.#data.control);
    publish(control, this.#data.task, shards);
    takeShards(control, this.#runShard);
    let patience = sleeps;
    for (;;) {
      const remaining = Atomics.load(control, word.remaining);
      if (remaining === 0) return;
      if (awaitChange(control, word.remaining, remaining, this.sleep)) patience = sleeps;
      else if (--patience === 0) {
        void this.#stop();
        throw failure('a worker thread of the miners and losses has stopped', 'use one thread');
      }
    }
  }

  /** Where threads are not to be had there are fewer. */
  #start(): void {
    while (this.#started < this.threads - 1) {
      const thread = ++this.#started;
      let worker: Worker;
      try {
        worker = new Worker(this.#script, { workerData: { ...this.#data, thread }, execArgv: [] });
      } catch {
        return;
      }
      this.#workers.add(worker);
      worker.unref();
      worker.on('error', () => {});
      worker.on('exit', () => this.#workers.delete(worker));
    }
  }
}
