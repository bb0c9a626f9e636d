import { Arena } from '../../wasm/arena.js';
import { controlBytes } from '../../wasm/shards.js';
import { createMemory, instantiate, type KernelExports } from './module.js';
import { Pool } from './pool.js';
import { type Task, taskBytes, writeTask } from './task.js';

/** What all controllers of an engine compute with: one memory, an instance of the module on it for each thread, the threads. */
export class Runtime {
  readonly memory = createMemory();
  readonly kernels: KernelExports;
  readonly arena: Arena;
  readonly pool: Pool;
  readonly #task: number;
  /** Regions of the runtime's own, which are there from start to end. */
  readonly #ownRegions: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    module: WebAssembly.Module,
    /** The most threads a task may run on. */
    readonly threads: number,
    workerScript?: URL,
  ) {
    this.kernels = instantiate(module, this.memory);
    this.arena = new Arena(this.memory, this.kernels.heapBase());
    const controlAddress = this.arena.allocate(controlBytes);
    this.#task = this.arena.allocate(taskBytes);
    this.#ownRegions = this.arena.live;
    new Uint8Array(this.memory.buffer, controlAddress, controlBytes).fill(0);
    this.pool = new Pool(
      { module, memory: this.memory, controlAddress },
      (task, shard) => this.kernels.runShard(task, shard, 0),
      workerScript,
    );
  }

  /** Regions in use and worker threads. */
  get live(): number {
    return this.arena.live - this.#ownRegions + this.pool.threads - 1;
  }

  /** Run the task on all threads, after the one before. */
  run(task: Task, shards: number): Promise<void> {
    const done = this.#last.then(() => {
      writeTask(this.memory.buffer, this.#task, task);
      return this.pool.run(this.#task, shards);
    });
    // A task that failed must not keep the next one from running; whoever asked for it is told.
    this.#last = done.catch(() => {});
    return done;
  }

  /** End the workers; resolves when they and the last task are over. */
  async stop(): Promise<void> {
    await this.pool.stop();
    await this.#last;
  }
}
