import { dataError } from '../../core/errors.js';
import type { StoredRun } from '../../core/run/index.js';
import { openSpace } from '../../core/space/index.js';
import { sampleCells } from '../../core/space/sampleCells.js';
import type { Space } from '../../core/space/space.js';
import type { MapData } from '../../report/mapModel.js';
import { accuraciesIn, benchmarkOf } from '../embeddingMap.js';
import { specOfRun } from '../kinds.js';

export interface MapCellsOptions {
  /** How many, at most. */
  count: number;
  /** Whose accuracies are shown; default: that which the run asks. */
  benchmark?: string;
  onNote?: (line: string) => void;
}

export interface MapCells extends Pick<MapData, 'benchmark' | 'accuracies'> {
  space: Space;
  cells: Uint32Array;
}

/**
 * The cells that the map of a watched run shows, and what is known of them: a sample of those of the benchmark, where there is one that is a
 * table, else of the space (the same draw as the run's own sample of embeddings). Errors: exit code 2 for a space that is none of rxnas's
 * own, 3 for a benchmark of another space.
 */
export async function mapCells(
  run: StoredRun,
  spaceName: string,
  { count, ...options }: MapCellsOptions,
): Promise<MapCells> {
  const space = openSpace(spaceName);
  const benchmark = await benchmarkOf(run, await specOfRun(run.manifest), options);
  try {
    if (benchmark && benchmark.space.name !== space.name) {
      throw dataError(
        `the run is of ${space.name}, the benchmark ${benchmark.name} of ${benchmark.space.name}`,
        'give a benchmark of the same space',
      );
    }
    const { seed } = run.manifest;
    const listed = benchmark?.list?.();
    const cells = sampleCells(space, count, seed, listed);
    return { space, cells, ...(benchmark && listed && (await accuraciesIn(benchmark, cells))) };
  } finally {
    await benchmark?.close?.();
  }
}
