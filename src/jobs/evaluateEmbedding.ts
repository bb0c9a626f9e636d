import {
  type Decoding,
  decoding,
  type Locality,
  locality,
  type Surrogates,
  surrogates,
} from '../analytics/embeddingQuality.js';
import type { Benchmark } from '../core/benchmark/index.js';
import { openBenchmark } from '../core/benchmark/index.js';
import { initialWeights } from '../core/controller/weights.js';
import type { Controller, EngineName } from '../core/engine/engine.js';
import { openEngine } from '../core/engine/index.js';
import { dataError } from '../core/errors.js';
import { given } from '../core/given.js';
import { stream } from '../core/random/random.js';
import { controllerCheckpoint } from '../core/run/index.js';
import { openSpace, type Space } from '../core/space/index.js';
import { tokensOfCells } from '../core/space/space.js';

export interface EvaluateOptions {
  /** Run or checkpoint of the controller. */
  controller: string;
  /** Benchmark whose accuracies the embedding is held against; absent = none. */
  benchmark?: string;
  /** Random cells of the space, and of the benchmark. */
  cells: number;
  /** Random pairs of cells whose distances are compared. */
  pairs: number;
  seed: number;
  engine: EngineName | 'auto';
  threads?: number;
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
  trained: EmbeddingQuality;
  /** The same with the weights that a controller begins with: what the architecture alone gives. */
  untrained: EmbeddingQuality;
}

/** Asks whether an embedding is good: of its neighbourhoods, of what accuracy follows from it, of what it decodes to. */
export async function evaluateEmbedding(options: EvaluateOptions): Promise<Evaluation> {
  const { checkpoint } = controllerCheckpoint(options.controller);
  if (checkpoint.space === undefined) {
    throw dataError(
      `${options.controller} does not say which space its controller is for`,
      'pretrain it again',
    );
  }
  const space = openSpace(checkpoint.space);
  const benchmark = options.benchmark === undefined ? undefined : await openBenchmark(options.benchmark);
  const sample = await drawSample(space, benchmark, options).finally(() => benchmark?.close?.());
  const { config, weights } = checkpoint.controller;
  const engine = await openEngine(options.engine, given({ threads: options.threads }));
  const controller = await engine.controller(config, weights);
  try {
    const trained = await quality(space, controller, sample, options);
    await controller.load(initialWeights(config, options.seed));
    const untrained = await quality(space, controller, sample, options);
    return { space: space.name, cells: sample.cells.length, trained, untrained };
  } finally {
    controller.dispose();
    await engine.dispose();
  }
}

interface Sample {
  /** Random cells. */
  cells: Uint32Array;
  /** The random cells, then a positive of each, then a positive of each positive. */
  all: Uint32Array;
  /** Rows of `all` that are so related. */
  close: [number, number][];
  known?: { cells: Uint32Array; accuracies: Float64Array };
}

async function drawSample(
  space: Space,
  benchmark: Benchmark | undefined,
  { cells: count, seed }: EvaluateOptions,
): Promise<Sample> {
  const random = stream(seed, 'evaluate', 'cells');
  const draw = (from: Uint32Array) => random.shuffle(from.slice()).subarray(0, count).sort();
  const cells = draw(space.cells());
  const once = cells.map((cell) => space.canonical(space.mutate(cell, random)));
  const twice = once.map((cell) => space.canonical(space.mutate(cell, random)));
  const all = Uint32Array.from([...cells, ...once, ...twice]);
  const n = cells.length;
  const close = Array.from({ length: n }, (_, i): [number, number][] => [
    [i, n + i],
    [i, 2 * n + i],
  ])
    .flat()
    .filter(([a, b]) => all[a] !== all[b]);
  if (!benchmark) return { cells, all, close };

  if (benchmark.space.name !== space.name) {
    throw dataError(
      `the controller was made for ${space.name}, the benchmark ${benchmark.name} is of ${benchmark.space.name}`,
      'give a benchmark of the same space',
    );
  }
  const listed = benchmark.list?.();
  if (!listed) {
    throw dataError(`the cells of ${benchmark.name} cannot be listed`, 'give a benchmark that is a table');
  }
  const known = draw(listed);
  const accuracies = new Float64Array(known.length);
  for (const [i, cell] of known.entries()) {
    const { test } = await benchmark.lookup(cell);
    accuracies[i] = test.reduce((sum, value) => sum + value, 0) / test.length;
  }
  const kept = accuracies.map((value) => (Number.isFinite(value) ? 1 : 0));
  return {
    ...{ cells, all, close },
    known: { cells: known.filter((_, i) => kept[i]), accuracies: accuracies.filter((_, i) => kept[i]) },
  };
}

async function quality(
  space: Space,
  controller: Controller,
  { cells, all, close, known }: Sample,
  { pairs, seed }: EvaluateOptions,
): Promise<EmbeddingQuality> {
  const embed = async (of: Uint32Array) => ({
    space,
    cells: of,
    width: controller.config.dim,
    values: await inBatches(of, (part) => controller.embed(tokensOfCells(space, part)), Float32Array),
  });
  const rows = cells.length;
  const tokens = tokensOfCells(space, cells);
  const decoded = await inBatches(
    cells,
    (part) => controller.reconstruct(tokensOfCells(space, part)),
    Int32Array,
  );
  const random = (name: string) => stream(seed, 'evaluate', name);
  return {
    locality: locality(await embed(all), { rows, pairs, close }, random('pairs')),
    decoding: decoding(space, cells, tokens, decoded),
    ...(known && {
      accuracy: surrogates(await embed(known.cells), known.accuracies, random('splits')),
    }),
  };
}

const BATCH = 512;

/** What `work` gives for the cells, batch by batch, in one array. */
async function inBatches<T extends Float32Array | Int32Array>(
  cells: Uint32Array,
  work: (part: Uint32Array) => Promise<T>,
  type: { new (length: number): T },
): Promise<T> {
  const parts: T[] = [];
  for (let at = 0; at < cells.length; at += BATCH) parts.push(await work(cells.subarray(at, at + BATCH)));
  const all = new type(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
