import type { Benchmark } from '../core/benchmark/index.js';
import { dataError } from '../core/errors.js';
import type { Random } from '../core/random/random.js';
import { byDistance, type DistanceGroup, relatives } from './byDistance.js';

/** How the accuracies of two cells differ with the edits between them (paper figure 1b): statistics, no cell's accuracy. */
export interface AccuracyDistance {
  benchmark: string;
  space: string;
  /** Random cells that pairs were made from. */
  cells: number;
  /** Absolute difference of mean test accuracy, as a fraction, by exact edit distance. */
  groups: DistanceGroup[];
}

/** Cells that a benchmark lists, with their mean test accuracies; those without one are left out. Throws exit code 3 where it has none. */
export async function knownAccuracies(
  benchmark: Benchmark,
  choose: (cells: Uint32Array) => Uint32Array = (cells) => cells,
): Promise<{ cells: Uint32Array; accuracies: Float64Array }> {
  const listed = benchmark.list?.();
  if (!listed) {
    throw dataError(`the cells of ${benchmark.name} cannot be listed`, 'give a benchmark that is a table');
  }
  const chosen = choose(listed);
  const all = new Float64Array(chosen.length);
  for (const [i, cell] of chosen.entries()) all[i] = await meanTest(benchmark, cell);
  const cells = chosen.filter((_, i) => Number.isFinite(all[i]));
  if (cells.length === 0) {
    throw dataError(`${benchmark.name} has no test accuracies`, 'give a table that has them');
  }
  return { cells, accuracies: all.filter(Number.isFinite) };
}

async function meanTest(benchmark: Benchmark, cell: number): Promise<number> {
  const { test } = await benchmark.lookup(cell);
  return test.reduce((sum, value) => sum + value, 0) / test.length;
}

/**
 * Pairs each of `count` random cells with a random one, a positive and a positive of that, where the benchmark knows them.
 * Throws exit code 3 for a benchmark whose cells cannot be listed, or that has no test accuracies.
 */
export async function accuracyDistance(
  benchmark: Benchmark,
  count: number,
  random: Random,
): Promise<AccuracyDistance> {
  const { space } = benchmark;
  const { cells, accuracies } = await knownAccuracies(benchmark, (listed) =>
    random.shuffle(listed.slice()).subarray(0, count).sort(),
  );
  const { once, twice } = relatives(space, cells, random);
  const pairs: { edits: number; value: number }[] = [];
  const compare = async (row: number, other: number, accuracy?: number) => {
    const edits = space.distance(cells[row]!, other);
    if (edits === 0) return;
    const value = Math.abs(accuracies[row]! - (accuracy ?? (await meanTest(benchmark, other))));
    if (Number.isFinite(value)) pairs.push({ edits, value });
  };
  for (const row of cells.keys()) {
    const another = (row + 1 + random.int(Math.max(1, cells.length - 1))) % cells.length;
    await compare(row, cells[another]!, accuracies[another]!);
    for (const near of [once[row]!, twice[row]!]) if (benchmark.has(near)) await compare(row, near);
  }
  return { benchmark: benchmark.name, space: space.name, cells: cells.length, groups: byDistance(pairs) };
}
