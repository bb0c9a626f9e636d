import { knownAccuracies } from '../analytics/accuracyDistance.js';
import {
  type Decoding,
  decoding,
  type Locality,
  locality,
  type Surrogates,
  surrogates,
} from '../analytics/embeddingQuality.js';
import { type Benchmark, openBenchmark } from '../core/benchmark/index.js';
import type { Controller } from '../core/engine/engine.js';
import { dataError } from '../core/errors.js';
import { given } from '../core/given.js';
import { stream } from '../core/random/random.js';
import type { Space } from '../core/space/index.js';
import { tokensOfCells } from '../core/space/space.js';
import { type ControllersOptions, openControllers } from './controllers.js';
import { closeRows, inBatches, type LocalitySample, localitySample } from './localitySample.js';

export interface EvaluateOptions extends ControllersOptions {
  /** Runs or checkpoints of the controllers, at least one; all of one space. */
  controllers: readonly string[];
  /** Benchmark whose accuracies the embeddings are held against; absent = none. */
  benchmark?: string | undefined;
  /** Random cells of the space, and of the benchmark. */
  cells: number;
  /** Random pairs of cells whose distances are compared. */
  pairs: number;
  /** Told of each controller before it is evaluated. */
  onController?: (name: string) => void;
}

/** What one encoder's embedding is worth. */
export interface EmbeddingQuality {
  locality: Locality;
  decoding: Decoding;
  /** Absent without a benchmark. */
  accuracy?: Surrogates;
}

export interface Evaluation {
  space: string;
  cells: number;
  seed: number;
  /** Absent without one. */
  benchmark?: string;
  /** `loss` is absent where it is not known. */
  controllers: { name: string; loss?: string; path: string; quality: EmbeddingQuality }[];
  /** The same with the weights that a controller begins with: what the architecture alone gives. */
  untrained: EmbeddingQuality;
}

/**
 * Asks whether embeddings are good: of their neighbourhoods, of what accuracy follows from them, of what they decode to. All are asked about the
 * same cells and pairs.
 */
export async function evaluateEmbeddings(options: EvaluateOptions): Promise<Evaluation> {
  const { space, names, losses, each } = openControllers(options.controllers, options);
  const benchmark = options.benchmark === undefined ? undefined : await openBenchmark(options.benchmark);
  const sample = await drawSample(space, benchmark, options).finally(() => benchmark?.close?.());
  let at = 0;
  const { trained, untrained } = await each((controller) => {
    options.onController?.(names[at++] ?? 'untrained');
    return quality(space, controller, sample, options);
  });
  return {
    space: space.name,
    cells: sample.cells.length,
    seed: options.seed,
    ...(benchmark && { benchmark: benchmark.name }),
    controllers: trained.map((quality, i) => ({
      name: names[i]!,
      ...given({ loss: losses[i] }),
      path: options.controllers[i]!,
      quality,
    })),
    untrained,
  };
}

interface Sample extends LocalitySample {
  known?: { cells: Uint32Array; accuracies: Float64Array };
}

async function drawSample(
  space: Space,
  benchmark: Benchmark | undefined,
  { cells, seed }: EvaluateOptions,
): Promise<Sample> {
  const random = stream(seed, 'evaluate', 'cells');
  const sample = localitySample(space, cells, random);
  if (!benchmark) return sample;
  if (benchmark.space.name !== space.name) {
    throw dataError(
      `the controller was made for ${space.name}, the benchmark ${benchmark.name} is of ${benchmark.space.name}`,
      'give a benchmark of the same space',
    );
  }
  const known = await knownAccuracies(benchmark, (listed) =>
    random.shuffle(listed.slice()).subarray(0, cells).sort(),
  );
  return { ...sample, known };
}

async function quality(
  space: Space,
  controller: Controller,
  { known, ...sample }: Sample,
  { pairs, seed }: EvaluateOptions,
): Promise<EmbeddingQuality> {
  const embed = async (of: Uint32Array) => ({
    space,
    cells: of,
    width: controller.config.dim,
    values: await inBatches(of, (part) => controller.embed(tokensOfCells(space, part)), Float32Array),
  });
  const { cells, all } = sample;
  const tokens = tokensOfCells(space, cells);
  const decoded = await inBatches(
    cells,
    (part) => controller.reconstruct(tokensOfCells(space, part)),
    Int32Array,
  );
  const random = (name: string) => stream(seed, 'evaluate', name);
  const options = { rows: cells.length, pairs, close: closeRows(sample) };
  return {
    locality: locality(await embed(all), options, random('pairs')),
    decoding: decoding(space, cells, tokens, decoded),
    ...(known && {
      accuracy: surrogates(await embed(known.cells), known.accuracies, random('splits')),
    }),
  };
}
