import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cacheFolder } from '../../cacheFolder.js';
import { dataError, failure } from '../../errors.js';
import { replaceFile } from '../../run/files.js';
import { nasbench101 } from '../../space/nasbench101.js';
import { type CellCode, NO_CELL } from '../../space/space.js';
import { GivenUp } from '../../work/executor.js';
import { executorsOn } from '../../work/executors.js';
import type { Benchmark, Evaluation, OpenOptions } from '../benchmark.js';
import { type ImageSource, openImages } from './images/sources.js';
import { networkPlan, parameterCount } from './network.js';
import type { Protocol } from './protocol.js';
import { type LiveParams, liveProtocol } from './settings.js';
import { nameOfTraining, type Training, type TrainingExecutor } from './training.js';
import { trainingKind } from './trainingKind.js';
import { TrainingLog } from './trainingLog.js';

export interface LiveOptions extends OpenOptions {
  /** What trains, instead of one of `executors`. It is closed with the benchmark. */
  executor?: TrainingExecutor;
}

/**
 * The benchmark `live:DATA`: what is looked up is trained. Opening reads and checks the images; processes are started by the first lookup of a cell
 * that the cache lacks. Rejects with exit code 2 for wrong parameters, 3 where images are missing or damaged, 1 where the cache cannot be written.
 */
export async function openLive(params: LiveParams, options: LiveOptions = {}): Promise<Benchmark> {
  const { source, halves } = openImages(params.data);
  const protocol = liveProtocol(params, source, halves);
  const cache = resolve(params.cache ?? join(cacheFolder(), 'live'));
  const log = TrainingLog.open(join(cache, `${protocol.name}.log`), protocol.name);
  const about = join(cache, `${protocol.name}.json`);
  if (!existsSync(about))
    await replaceFile(about, `${JSON.stringify({ data: source, ...protocol }, null, 2)}\n`);
  const { executors = executorsOn('processes', { run: () => protocol.name }) } = options;
  const executor =
    options.executor ??
    (await executors.open(trainingKind, {
      slots: params.workers,
      attempts: params.attempts,
      onCrash: (reason, work, failures) =>
        options.onNote?.(`${nameOfTraining(work)}, attempt ${failures}: ${reason}`),
    }));
  return new LiveBenchmark(params, source, protocol, log, executor);
}

class LiveBenchmark implements Benchmark {
  readonly name: string;
  readonly summary: string;
  readonly provenance: string;
  readonly space = nasbench101;
  readonly cells = nasbench101.size;
  readonly concurrency: number;
  readonly data: Readonly<Record<string, string>>;
  readonly #params: LiveParams;
  readonly #images: ImageSource;
  readonly #protocol: Protocol;
  readonly #log: TrainingLog;
  readonly #executor: TrainingExecutor;
  /** Lookups under way, by cell: who asks for the same one waits with them. */
  readonly #pending = new Map<CellCode, Promise<Evaluation>>();
  /** Cells that were given up, with the reason. */
  readonly #setAside = new Map<CellCode, unknown>();
  /** CPU seconds of training. */
  #spent = 0;
  #closing: Promise<void> | undefined;

  constructor(
    params: LiveParams,
    images: ImageSource,
    protocol: Protocol,
    log: TrainingLog,
    executor: TrainingExecutor,
  ) {
    const { data } = params;
    const { training, side } = protocol.images;
    this.name = `live:${data}`;
    this.summary = `NAS-Bench-101 cells, trained when they are looked up (${data}, ${training} images of ${side}×${side}, ${protocol.training.epochs} epochs)`;
    this.provenance = `trained by the trainer of the embedded benchmark, protocol ${protocol.name}; see docs/live-training.md`;
    this.data = { [data]: images.sha256 };
    // Who wants results in order holds those that wait for a slow one: twice as many keep all slots busy.
    this.concurrency = 2 * executor.slots;
    this.#params = params;
    this.#images = images;
    this.#protocol = protocol;
    this.#log = log;
    this.#executor = executor;
  }

  get details(): Readonly<Record<string, string | number>> {
    const { images, network, training } = this.#protocol;
    this.#log.refresh();
    const { seconds, secondsEach, repeats } = this.#params;
    return {
      images: `${images.training} for training, ${images.validation} for validation, ${images.test} for test, of ${images.side}×${images.side}×${network.imageChannels}, ${network.classes} classes, from ${this.#images.folder}`,
      network: `${network.stacks} stacks of ${network.cellsAStack}, ${network.channels} channels in the first`,
      training: `${training.epochs} epochs in batches of ${training.batch}, learning rate ${training.learningRate}, ${repeats} a cell`,
      budget: `${seconds === undefined ? 'no limit in all' : `${seconds} s in all`}, ${secondsEach === undefined ? 'no limit' : `${secondsEach} s`} a training`,
      workers: this.#executor.slots,
      cache: `${this.#log.file}, ${this.#log.size} trainings`,
    };
  }

  has(cell: CellCode): boolean {
    return this.space.canonical(cell) !== NO_CELL;
  }

  async lookup(cell: CellCode): Promise<Evaluation> {
    const canonical = this.space.canonical(cell);
    if (canonical === NO_CELL)
      throw dataError(
        `${cell} is no cell of ${this.space.name}`,
        `look up cells of the space ${this.space.name}`,
      );
    let evaluation = this.#pending.get(canonical);
    if (!evaluation) {
      evaluation = this.#evaluate(canonical).finally(() => this.#pending.delete(canonical));
      this.#pending.set(canonical, evaluation);
    }
    return evaluation;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#executor.close();
      await Promise.allSettled(this.#pending.values());
      this.#log.close();
    })();
    return this.#closing;
  }

  async #evaluate(cell: CellCode): Promise<Evaluation> {
    const repeats = Array.from({ length: this.#params.repeats }, (_, repeat) =>
      this.#training(cell, repeat).catch((error: unknown) => this.#givenUp(cell, repeat, error)),
    );
    await Promise.allSettled(repeats); // what is under way still goes to the cache where another one has failed
    const trainings = await Promise.all(repeats);
    const chance = 1 / this.#protocol.network.classes;
    const orChance = (accuracy: number) => (Number.isNaN(accuracy) ? chance : accuracy);
    const { stopped } = trainings.find((training) => training.stopped) ?? {};
    return {
      validation: trainings.map(({ validation }) => orChance(validation)),
      test: trainings.map(({ test }) => orChance(test)),
      parameters: trainings[0]!.parameters,
      seconds: trainings.reduce((sum, { seconds }) => sum + seconds, 0) / trainings.length,
      ...(stopped && { stopped }),
    };
  }

  /** What stands for a training that was given up, where that is wanted. Not kept: another run may have more luck. */
  #givenUp(
    cell: CellCode,
    repeat: number,
    error: unknown,
  ): Omit<Training, 'stopped'> & Pick<Evaluation, 'stopped'> {
    if (!(error instanceof GivenUp) || this.#params.onGivenUp === 'fail') throw error;
    const parameters = parameterCount(networkPlan(cell, this.#protocol.network));
    const nothing = { validation: Number.NaN, test: Number.NaN, seconds: 0 };
    return { cell, repeat, parameters, ...nothing, stopped: 'failed' };
  }

  /** The training from the cache, or a new one that goes there. */
  async #training(cell: CellCode, repeat: number): Promise<Training> {
    if (this.#closing) throw failure(`${this.name} is closed`, 'open it again');
    if (!this.#log.get(cell, repeat)) this.#log.refresh();
    const known = this.#log.get(cell, repeat);
    if (known) return known;
    if (this.#setAside.has(cell)) throw this.#setAside.get(cell);
    const { seconds = Number.POSITIVE_INFINITY } = this.#params;
    if (this.#spent >= seconds)
      throw failure(
        `the training budget of ${seconds} s is spent (${this.#spent.toFixed(1)} s)`,
        'give more with seconds=…; what was trained is kept in the cache',
      );
    const training = await this.#executor
      .run({ cell, repeat, protocol: this.#protocol, images: this.#images })
      .catch((error: unknown) => {
        this.#setAside.set(cell, error);
        throw error;
      });
    this.#spent += training.seconds;
    return this.#log.add(training);
  }
}
