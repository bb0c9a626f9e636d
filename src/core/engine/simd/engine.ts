import type { ControllerConfig, Weights } from '../../controller/config.js';
import { checkWeights } from '../../controller/weights.js';
import { failure, usageError } from '../../errors.js';
import type { Controller, Engine } from '../engine.js';
import { SimdController } from './controller.js';
import { Runtime } from './runtime.js';

/** Controllers on one runtime, whose worker threads live from the first controller's opening to the last one's disposal. */
export class SimdEngine implements Engine {
  readonly runtime: Runtime;
  readonly #controllers = new Set<SimdController>();
  #closed = false;

  constructor(
    module: WebAssembly.Module,
    threads: number,
    readonly name: 'simd' | 'simd-relaxed' = 'simd',
    workerScript?: URL,
  ) {
    this.runtime = new Runtime(module, threads, workerScript);
  }

  /** Those that run while a controller is open; before, those that are going to be started. */
  get threads(): number {
    return this.#controllers.size > 0 ? this.runtime.pool.threads : this.runtime.threads;
  }

  async controller(config: ControllerConfig, weights: Weights): Promise<Controller> {
    if (this.#closed) throw failure(`the ${this.name} engine was disposed`, 'create another one');
    checkConfig(config);
    checkWeights(config, weights);
    const controller = new SimdController(this.runtime, config, weights, () => this.#released(controller));
    this.#controllers.add(controller);
    this.runtime.pool.start(this.runtime.threads);
    return controller;
  }

  /** Live regions of memory (a controller has several, kept activations one) and worker threads. */
  resources(): number {
    return this.runtime.live;
  }

  async dispose(): Promise<void> {
    this.#closed = true;
    for (const controller of this.#controllers) controller.dispose();
    await this.runtime.stop();
  }

  /** A controller gave its memory back. */
  #released(controller: SimdController): void {
    this.#controllers.delete(controller);
    if (this.#controllers.size === 0) void this.runtime.pool.stop();
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
