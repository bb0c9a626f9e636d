import type { ControllerConfig, Weights } from '../../controller/config.js';
import { checkWeights } from '../../controller/weights.js';
import { failure, usageError } from '../../errors.js';
import type { Controller, Engine } from '../engine.js';
import { Arena } from './arena.js';
import { SimdController } from './controller.js';
import { createMemory, instantiate, type KernelExports } from './module.js';
import { Pool } from './pool.js';
import { controlBytes } from './shards.js';
import { type Task, taskBytes, writeTask } from './task.js';

/** One memory and one instance a thread for all controllers; worker threads run while there is a controller. */
export class SimdEngine implements Engine {
  readonly name = 'simd';
  readonly threads: number;
  readonly memory = createMemory();
  readonly kernels: KernelExports;
  readonly arena: Arena;
  readonly pool: Pool;
  readonly #task: number;
  /** Regions of the engine's own, which are there from start to end. */
  readonly #ownRegions: number;
  readonly #controllers = new Set<SimdController>();
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(module: WebAssembly.Module, threads: number, workerScript?: URL) {
    this.threads = threads;
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

  async controller(config: ControllerConfig, weights: Weights): Promise<Controller> {
    if (this.#closed) throw failure('the simd engine was disposed', 'create another one');
    checkConfig(config);
    checkWeights(config, weights);
    const controller = new SimdController(this, config, weights, () => this.#released(controller));
    this.#controllers.add(controller);
    this.pool.start(this.threads);
    return controller;
  }

  /** Live regions of memory (a controller has several, kept activations one) and worker threads. */
  resources(): number {
    return this.arena.live - this.#ownRegions + this.pool.threads - 1;
  }

  async dispose(): Promise<void> {
    this.#closed = true;
    for (const controller of this.#controllers) controller.dispose();
    await this.pool.stop();
    await this.#last;
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

  /** A controller gave its memory back. */
  #released(controller: SimdController): void {
    this.#controllers.delete(controller);
    if (this.#controllers.size === 0) void this.pool.stop();
  }
}

function checkConfig({ vocabulary, length, dim, predictor }: ControllerConfig): void {
  const whole = (value: number, least: number) => Number.isInteger(value) && value >= least;
  if (!whole(vocabulary, 2)) throw usageError(`vocabulary is ${vocabulary}`, 'it is a whole number from 2');
  if (!whole(length, 1)) throw usageError(`length is ${length}`, 'it is a whole number from 1');
  for (const [name, value] of Object.entries({ dim, predictor })) {
    if (whole(value, 4) && value % 4 === 0) continue;
    throw usageError(
      `${name} is ${value}`,
      'the simd engine takes multiples of 4; the tfjs engine takes others',
    );
  }
}
