import { Worker } from 'node:worker_threads';
import { awaitChange, controlBlock, publish, takeShards, word } from '../../wasm/shards.js';
import { besideModule } from '../../workers.js';

/** What a worker thread (worker.ts) is started with. */
export interface WorkerData {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  controlAddress: number;
  /** 1, 2, …; the main thread is 0. */
  thread: number;
}

/** How long the main thread sleeps before it looks whether the workers are still there, ms. */
const patience = 20;

/**
 * The threads of an engine. The main thread is one of them and takes its part of every task; workers join as soon as they
 * are up and are missed by nobody: without them (none asked for, none allowed, all crashed) the main thread does it all.
 */
export class Pool {
  readonly #data: Omit<WorkerData, 'thread'>;
  readonly #script: URL;
  readonly #runShard: (task: number, shard: number) => void;
  readonly #workers = new Set<Worker>();
  #leaving: Promise<unknown>[] = [];
  /** Workers that are no more. */
  #lost = 0;

  constructor(
    data: Omit<WorkerData, 'thread'>,
    /** The main thread's part. */
    runShard: (task: number, shard: number) => void,
    script = besideModule(import.meta.url, 'worker.js'),
  ) {
    this.#data = data;
    this.#runShard = runShard;
    this.#script = script;
  }

  /** Threads that a task runs on, the main thread included. */
  get threads(): number {
    return 1 + this.#workers.size;
  }

  /** The workers that are there. */
  get workers(): Worker[] {
    return [...this.#workers];
  }

  /** Start workers up to `threads` in all; where threads are not to be had there are fewer. */
  start(threads: number): void {
    if (typeof Atomics === 'undefined') return;
    for (let thread = this.threads; thread < threads; thread++) {
      let worker: Worker;
      try {
        worker = new Worker(this.#script, { workerData: { ...this.#data, thread }, execArgv: [] });
      } catch {
        return;
      }
      this.#workers.add(worker);
      // An engine that was forgotten must not keep the process alive.
      worker.unref();
      worker.on('error', () => {});
      worker.on('exit', () => {
        if (this.#workers.delete(worker)) this.#lost++;
      });
    }
  }

  /** End the workers; resolves when they are gone. A task that is running is finished by the main thread alone. */
  async stop(): Promise<void> {
    for (const worker of this.#workers) this.#leaving.push(worker.terminate());
    if (this.#workers.size > 0) this.#lost++;
    this.#workers.clear();
    const leaving = this.#leaving;
    this.#leaving = [];
    await Promise.allSettled(leaving);
  }

  /** Do all shards of the task at byte address `task`; resolves when they are done. One task at a time. */
  async run(task: number, shards: number): Promise<void> {
    if (this.#workers.size === 0) {
      for (let shard = 0; shard < shards; shard++) this.#runShard(task, shard);
      return;
    }
    const lostBefore = this.#lost;
    const control = controlBlock(this.#data.memory, this.#data.controlAddress);
    publish(control, task, shards);
    takeShards(control, this.#runShard);
    for (;;) {
      const remaining = Atomics.load(control, word.remaining);
      if (remaining === 0) return;
      if (awaitChange(control, word.remaining, remaining, patience)) continue;
      // Let the event loop tell of workers that ended.
      await new Promise((resolve) => setTimeout(resolve));
      if (this.#lost !== lostBefore) break;
    }
    // A shard may have gone with its worker. Which one cannot be known while others are at work.
    await this.stop();
    for (let shard = 0; shard < shards; shard++) {
      if (Atomics.load(control, word.done + shard) === 0) this.#runShard(task, shard);
    }
  }
}
