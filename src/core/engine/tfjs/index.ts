import { availableParallelism } from 'node:os';
import type { ControllerConfig, Weights } from '../../controller/config.js';
import { nasbench101Controller } from '../../controller/config.js';
import { usageError } from '../../errors.js';
import type { Controller, Engine, EngineOptions } from '../engine.js';
import { GreedyDecoder } from '../simd/greedyDecoder.js';
import { loadModule } from '../simd/module.js';
import { addonFile, type Binding, bindingOf, Tensors } from './binding.js';
import { TfjsController } from './controller.js';
import { loadTfjs } from './load.js';
import { Programs } from './programs.js';
import { canStartThreads, localShard, type ShardClient, ShardThread } from './threads.js';

const USUAL_THREADS = 2;
const MOST_THREADS = 16;

/**
 * The engine on tfjs-node's native TensorFlow; greedy decoding is done with the simd engine's kernels. Deterministic for a given machine
 * and number of threads. Rejects with exit code 1 where tfjs-node or the kernels cannot be loaded, 2 for a number of threads other
 * than 1 to 16.
 */
export async function createTfjsEngine(options: EngineOptions = {}): Promise<Engine> {
  const threads = chooseThreads(options.threads);
  // One intra-op thread: more make steps of this size slower, and two shards are what a second core is for.
  const binding = bindingOf(await loadTfjs({ intraOpThreads: 1 }));
  const module = await loadModule();
  return threads === 1 ? new LocalEngine(binding, module) : new ThreadedEngine(binding, module, threads);
}

/** Versions of what the engine rests on; rejects as {@link createTfjsEngine} does. */
export async function tfjsVersions(): Promise<{ tfjs: string; libtensorflow: string }> {
  const tf = await loadTfjs({ intraOpThreads: 1 });
  return { tfjs: tf.version['tfjs-node'], libtensorflow: bindingOf(tf).TF_Version };
}

/** Whether more than one thread can be had: run from the TypeScript sources, worker threads need a build. */
export { canStartThreads } from './threads.js';

function chooseThreads(asked: number | undefined): number {
  if (asked === undefined) return canStartThreads ? Math.min(USUAL_THREADS, availableParallelism()) : 1;
  if (!Number.isInteger(asked) || asked < 1 || asked > MOST_THREADS) {
    throw usageError(`threads is ${asked}`, `the tfjs engine takes a whole number from 1 to ${MOST_THREADS}`);
  }
  if (asked > 1 && !canStartThreads) {
    throw usageError(
      'the tfjs engine cannot start worker threads: it is not compiled',
      'run `npm run build`, or use 1 thread',
    );
  }
  return asked;
}

/** Computes on the calling thread. */
class LocalEngine implements Engine {
  readonly name = 'tfjs';
  readonly threads = 1;
  readonly #tensors: Tensors;
  readonly #decoder: GreedyDecoder;
  readonly #open = new Set<Controller>();

  constructor(binding: Binding, module: WebAssembly.Module) {
    this.#tensors = new Tensors(binding);
    this.#decoder = new GreedyDecoder(module);
  }

  async controller(config: ControllerConfig, weights: Weights): Promise<Controller> {
    const shard = localShard(this.#tensors, this.#decoder, config);
    const controller = new TfjsController(config, weights, [shard], () => this.#open.delete(controller));
    this.#open.add(controller);
    return controller;
  }

  resources(): number {
    return this.#tensors.live;
  }

  async dispose(): Promise<void> {
    for (const controller of [...this.#open]) controller.dispose();
  }
}

/** Deals the rows out to worker threads, which live from the first controller's opening to the last one's disposal. */
class ThreadedEngine implements Engine {
  readonly name = 'tfjs';
  readonly #binding: Binding;
  readonly #module: WebAssembly.Module;
  readonly #open = new Set<Controller>();
  #threads: ShardThread[] = [];
  #closing: Promise<unknown> = Promise.resolve();
  #users = 0;
  #ids = 0;

  constructor(
    binding: Binding,
    module: WebAssembly.Module,
    readonly threads: number,
  ) {
    this.#binding = binding;
    this.#module = module;
  }

  async controller(config: ControllerConfig, weights: Weights): Promise<Controller> {
    this.#users++;
    try {
      if (this.#threads.length === 0) {
        insertAttributeNames(this.#binding);
        const data = { addon: addonFile(), module: this.#module };
        this.#threads = Array.from({ length: this.threads }, () => new ShardThread(data));
      }
      const id = this.#ids++;
      const shards: ShardClient[] = await Promise.all(this.#threads.map((thread) => thread.open(id, config)));
      const controller = new TfjsController(config, weights, shards, () => {
        if (this.#open.delete(controller)) this.#leave();
      });
      this.#open.add(controller);
      return controller;
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** Tensors of the worker threads as of their last replies, and the threads. */
  resources(): number {
    return this.#threads.reduce((sum, thread) => sum + thread.live + 1, 0);
  }

  async dispose(): Promise<void> {
    for (const controller of [...this.#open]) controller.dispose();
    await this.#closing;
  }

  #leave(): void {
    if (--this.#users > 0) return;
    const threads = this.#threads.splice(0);
    this.#closing = Promise.all([this.#closing, ...threads.map((thread) => thread.close())]);
  }
}

/**
 * The binding keeps the names of attributes in a table that is shared by all threads without a lock: reading it from two
 * threads is safe, adding to it is not. So every name that the worker threads will use is added here, before they start:
 * the binding puts names into the table as it reads them, and gives up at the last one, whose type does not exist.
 */
function insertAttributeNames(binding: Binding): void {
  const programs = new Programs(new Tensors(binding), nasbench101Controller);
  const attributes = [...programs.attributeNames()].map((name) => ({
    name,
    type: binding.TF_ATTR_INT,
    value: 0,
  }));
  programs.dispose();
  const stop = { name: 'T', type: -1, value: 0 };
  try {
    binding.executeOp('NoOp', [...attributes, stop], [], 0);
  } catch {
    return;
  }
  throw new Error('the binding took an attribute of no type');
}
