import { nearest, squaredDistance } from '../analytics/surrogates.js';
import { openBenchmark } from '../core/benchmark/index.js';
import type { EngineName } from '../core/engine/engine.js';
import { dataError, RxnasError } from '../core/errors.js';
import {
  type CellEmbeddings,
  controllerCheckpoint,
  isRun,
  openRun,
  readEmbeddings,
} from '../core/run/index.js';
import { findCell } from '../core/space/findCell.js';
import type { Space } from '../core/space/index.js';
import { tokensOfCells } from '../core/space/space.js';
import { spaceOf } from '../pipelines/fromSpec/index.js';
import { openControllers } from './controllers.js';
import { specOfRun } from './kinds.js';
import { inBatches } from './localitySample.js';

export interface NeighboursOptions {
  /** A run with embeddings of cells, or with a controller; or a checkpoint. */
  run: string;
  /** As `findCell` takes it. */
  cell: string;
  count: number;
  benchmark?: string | undefined;
  engine: EngineName | 'auto';
  threads?: number | undefined;
}

/** A cell and how near it is. */
export interface Neighbour {
  id: number;
  hash: string;
  text: string;
  /** Euclidean, of the embeddings. */
  distance: number;
  /** Exact edit distance. */
  edits: number;
  /** Mean accuracies; absent where they are not known. */
  validation?: number;
  test?: number;
}

export interface Neighbours {
  space: string;
  /** Cells that were searched: all of the space, or those that the run has embedded. */
  cells: number;
  cell: Neighbour;
  neighbours: Neighbour[];
}

interface Embedded extends CellEmbeddings {
  space: Space;
}

/**
 * The cells whose embeddings are nearest to that of a cell, exactly: among all cells of the space where the run has a controller or has
 * embedded all, among those that it has embedded otherwise. Throws exit code 3 where the run has neither, or not the cell; 2 for what is no cell.
 */
export async function neighboursOf({
  run,
  cell: text,
  count,
  ...options
}: NeighboursOptions): Promise<Neighbours> {
  const embedded = await embeddingsOf(run, text, options);
  const { space, cells } = embedded;
  const cell = findCell(space, text);
  const own = cells.indexOf(cell);
  if (own < 0) {
    throw dataError(
      `${run} has no embedding of the cell ${space.describe(cell).text}`,
      'give a run with a controller, or embed all cells: rxnas embed',
    );
  }
  const rows = nearest(embedded, own, Uint32Array.from(cells.keys()), count);
  const benchmark = options.benchmark === undefined ? undefined : await openBenchmark(options.benchmark);
  try {
    if (benchmark && benchmark.space.name !== space.name) {
      throw dataError(
        `the cells are of ${space.name}, the benchmark ${benchmark.name} is of ${benchmark.space.name}`,
        'give a benchmark of the same space',
      );
    }
    const describe = async (row: number): Promise<Neighbour> => {
      const other = cells[row]!;
      const { hash, text } = space.describe(other);
      const known = benchmark?.has(other) ? await benchmark.lookup(other) : undefined;
      return {
        id: space.idOf(other),
        hash,
        text,
        distance: Math.sqrt(squaredDistance(embedded, own, row)),
        edits: space.distance(cell, other),
        ...(known && { validation: mean(known.validation), test: mean(known.test) }),
      };
    };
    return {
      space: space.name,
      cells: cells.length,
      cell: await describe(own),
      neighbours: await Promise.all(rows.map(describe)),
    };
  } finally {
    await benchmark?.close?.();
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

async function embeddingsOf(
  run: string,
  text: string,
  { engine, threads }: Pick<NeighboursOptions, 'engine' | 'threads'>,
): Promise<Embedded> {
  const logged = isRun(run) ? await loggedEmbeddings(run) : undefined;
  if (logged && logged.cells.length === logged.space.size) return logged;
  try {
    controllerCheckpoint(run);
  } catch (error) {
    if (logged || !(error instanceof RxnasError)) return logged ?? Promise.reject(error);
    throw dataError(
      `${run} has neither embeddings nor a controller`,
      'give a pretraining, or a run of `rxnas embed`',
      { cause: error },
    );
  }
  const { space, each } = openControllers([run], { engine, threads, seed: 1 });
  findCell(space, text); // before seconds of work
  const cells = space.cells();
  const { trained } = await each(async (controller) => ({
    width: controller.config.dim,
    values: await inBatches(cells, (part) => controller.embed(tokensOfCells(space, part)), Float32Array),
  }));
  return { space, cells, ...trained[0]! };
}

/** The embeddings that a run has logged; undefined where it has none. */
async function loggedEmbeddings(dir: string): Promise<Embedded | undefined> {
  const run = openRun(dir);
  const found = readEmbeddings(run);
  if (!found) return undefined;
  const { spec, registry } = await specOfRun(run.manifest);
  return { space: spaceOf(spec, registry)!, ...found };
}
