import { basename } from 'node:path';
import { type EventRow, rowsOf } from '../core/batch/index.js';
import { type Benchmark, type BenchmarkSpec, openBenchmark } from '../core/benchmark/index.js';
import { breathe } from '../core/breathe.js';
import type { EngineName } from '../core/engine/engine.js';
import { openEngine } from '../core/engine/index.js';
import { dataError, RxnasError } from '../core/errors.js';
import { given } from '../core/given.js';
import { fitUmap, type UmapSettings } from '../core/projection/umap.js';
import { stream } from '../core/random/random.js';
import { controllerCheckpoint, readEmbeddings, type StoredRun } from '../core/run/index.js';
import type { Space } from '../core/space/index.js';
import { tokensOfCells } from '../core/space/space.js';
import { nameOf } from '../core/spec/spec.js';
import { type ReadSpec, spaceOf } from '../pipelines/fromSpec/index.js';
import type { MapData } from '../report/mapModel.js';
import { specOfRun } from './kinds.js';

export interface EmbeddingMapOptions {
  /** `all`: every cell of the space, by the newest controller of the run. `logged`: the embeddings that the run has logged. */
  cells: 'all' | 'logged';
  /** Whose accuracies are shown; default: that which the run asked, and without one those of its queries. */
  benchmark?: string;
  /** Lays the cells out by UMAP as well. */
  umap?: boolean;
  engine: EngineName | 'auto';
  threads?: number;
  /** Cells done so far, of so many. */
  onProgress?: (done: number, total: number) => void;
  onNote?: (line: string) => void;
}

/**
 * What the map of a run's embeddings shows. Throws exit code 3 where the run has no controller (or no logged embeddings), or the benchmark is
 * of another space.
 */
export async function embeddingMap(run: StoredRun, options: EmbeddingMapOptions): Promise<MapData> {
  const { onNote = () => {} } = options;
  const { spec, registry } = await specOfRun(run.manifest);
  const space = spaceOf(spec, registry);
  const name = basename(run.dir);
  if (!space)
    throw dataError(`the run ${name} does not say which space its cells are of`, 'leave out its map');
  const embedded = options.cells === 'all' ? await embedAll(run, space, options) : logged(run);
  const benchmark = await benchmarkOf(run, { spec, registry }, options);
  try {
    if (benchmark && benchmark.space.name !== space.name) {
      throw dataError(
        `the cells of ${name} are of ${space.name}, the benchmark ${benchmark.name} is of ${benchmark.space.name}`,
        'give a benchmark of the same space',
      );
    }
    if (benchmark && !benchmark.list)
      onNote(`${benchmark.name} has no list of cells: the map shows the accuracies of the queries`);
    const { cells } = embedded;
    const known = benchmark?.list
      ? await accuraciesIn(benchmark, cells)
      : named(ofQueries(run, space, cells), benchmark);
    const places = options.umap ? await umapOf(embedded) : undefined;
    return { ...embedded, space: space.name, ...known, ...(places && { umap: places }) };
  } finally {
    await benchmark?.close?.();
  }
}

/** Cells that UMAP lays out; the others are placed between their nearest of these. */
const umapSample = 5000;
const umap: UmapSettings = { neighbors: 15, minDist: 0.1, metric: 'euclidean' };

/** Places by UMAP with the defaults of `rxnas embed --umap`, on fewer cells. */
async function umapOf({ embeddings, width, cells }: Embedded): Promise<Float32Array> {
  if (cells.length <= umap.neighbors) {
    throw dataError(
      `${cells.length} embeddings are too few for UMAP`,
      `it takes more than ${umap.neighbors}; leave out --umap`,
    );
  }
  const random = stream(1, 'report', 'umap');
  const rows = random.shuffle(Uint32Array.from(cells.keys())).subarray(0, umapSample);
  const sample = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries())
    sample.set(embeddings.subarray(row * width, (row + 1) * width), i * width);
  const layout = await fitUmap(sample, width, umap, random);
  const places = new Float32Array(2 * cells.length);
  for (let at = 0; at < cells.length; at += BATCH) {
    places.set(layout.place(embeddings.subarray(at * width, (at + BATCH) * width)), 2 * at);
    await breathe();
  }
  return places;
}

type Accuracies = Pick<MapData, 'benchmark' | 'accuracies'>;

/** What a benchmark that has a list of its cells knows of cells: means over the repeats. */
export const accuraciesIn = async (benchmark: Benchmark, cells: Uint32Array): Promise<Accuracies> =>
  named(await ofBenchmark(benchmark, cells), benchmark);

function named({ test, validation }: Known, benchmark: Benchmark | undefined): Accuracies {
  const simulated = benchmark?.summary.includes('simulated') ? 'simulated ' : '';
  return {
    ...(benchmark && { benchmark: benchmark.summary }),
    accuracies: [
      { id: 'test', name: 'test accuracy', values: test },
      { id: 'validation', name: `${simulated}validation accuracy`, values: validation },
    ],
  };
}

type Embedded = Pick<MapData, 'source' | 'cells' | 'embeddings' | 'width' | 'errors'>;

/** Cells a batch. */
const BATCH = 4096;

/** All cells of the space, embedded and decoded again by the newest controller. */
async function embedAll(
  { dir }: StoredRun,
  space: Space,
  { engine: engineName, threads, onProgress, onNote }: EmbeddingMapOptions,
): Promise<Embedded> {
  const { checkpoint, warnings } = controllerCheckpoint(dir);
  for (const warning of warnings) onNote?.(warning);
  const cells = space.cells();
  const { config, weights } = checkpoint.controller;
  const embeddings = new Float32Array(cells.length * config.dim);
  const errors = new Uint8Array(cells.length);
  const engine = await openEngine(engineName, given({ threads }));
  try {
    const controller = await engine.controller(config, weights);
    try {
      for (let at = 0; at < cells.length; at += BATCH) {
        const tokens = tokensOfCells(space, cells.subarray(at, at + BATCH));
        embeddings.set(await controller.embed(tokens), at * config.dim);
        const decoded = await controller.reconstruct(tokens);
        for (let i = 0; i < tokens.length; i++) {
          if (tokens[i] !== decoded[i]) errors[at + Math.floor(i / config.length)]!++;
        }
        onProgress?.(Math.min(at + BATCH, cells.length), cells.length);
        await breathe();
      }
    } finally {
      controller.dispose();
    }
  } finally {
    await engine.dispose();
  }
  const { step, round } = checkpoint.position;
  const after = round > 0 ? `${round} rounds` : `${step.toLocaleString('en-US')} steps`;
  return {
    source: `All ${cells.length.toLocaleString('en-US')} cells of ${space.name}, embedded by the controller of ${basename(dir)} after ${after}`,
    ...{ cells, embeddings, width: config.dim, errors: { length: config.length, values: errors } },
  };
}

/** The embeddings that stand in the log. */
function logged(run: StoredRun): Embedded {
  const name = basename(run.dir);
  const found = readEmbeddings(run);
  if (!found) {
    throw dataError(
      `the run ${name} has logged no embeddings`,
      'embed all cells with --map all, or leave out the map with --map none',
    );
  }
  const { cells, values: embeddings, width } = found;
  return {
    source: `The ${cells.length.toLocaleString('en-US')} embeddings that ${name} has logged`,
    cells,
    embeddings,
    width,
  };
}

/** The benchmark that was asked for, or the run's own; of the latter, what cannot be opened is only remarked upon. */
export async function benchmarkOf(
  run: StoredRun,
  { spec, registry }: Pick<ReadSpec, 'spec' | 'registry'>,
  { benchmark, onNote }: Pick<EmbeddingMapOptions, 'benchmark' | 'onNote'>,
): Promise<Benchmark | undefined> {
  if (benchmark !== undefined) return openBenchmark(benchmark);
  if (!spec.benchmark) return undefined;
  try {
    const own = registry.find('benchmark', nameOf(spec.benchmark)) as BenchmarkSpec;
    return await openBenchmark(own, spec.benchmark[own.name]);
  } catch (error) {
    if (!(error instanceof RxnasError)) throw error;
    onNote?.(`${error.message}: the map shows the accuracies of ${basename(run.dir)}'s queries`);
    return undefined;
  }
}

interface Known {
  test: Float64Array;
  validation: Float64Array;
}

const none = (rows: number): Known => ({
  test: new Float64Array(rows).fill(Number.NaN),
  validation: new Float64Array(rows).fill(Number.NaN),
});

const mean = (repeats: readonly number[]) => repeats.reduce((sum, value) => sum + value, 0) / repeats.length;

/** Means over the repeats. */
async function ofBenchmark(benchmark: Benchmark, cells: Uint32Array): Promise<Known> {
  const known = none(cells.length);
  for (const [i, cell] of cells.entries()) {
    if (!benchmark.has(cell)) continue;
    const { test, validation } = await benchmark.lookup(cell);
    known.test[i] = mean(test);
    known.validation[i] = mean(validation);
  }
  return known;
}

/** What the run itself has asked. */
function ofQueries(run: StoredRun, space: Space, cells: Uint32Array): Known {
  const known = none(cells.length);
  const rows = new Map(Array.from(cells, (cell, row) => [space.canonical(cell), row]));
  for (const { batch } of run.records({ events: ['query'] })) {
    for (const { cell, test, validation } of rowsOf(batch) as Iterable<unknown> as Iterable<
      EventRow<'query'>
    >) {
      const row = rows.get(space.canonical(cell));
      if (row === undefined) continue;
      known.test[row] = test;
      known.validation[row] = validation;
    }
  }
  return known;
}
