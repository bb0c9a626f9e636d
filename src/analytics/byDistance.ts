import type { Random } from '../core/random/random.js';
import type { CellCode, Space } from '../core/space/index.js';
import { type Spread, spreadOf } from './spread.js';

/** Edit distances up to here are told apart; what is further counts as one more. */
export const LIMIT = 6;

/** What pairs of cells have that are so many edits apart. */
export interface DistanceGroup extends Spread {
  /** Exact edit distance; {@link LIMIT} + 1 stands for all that are larger. */
  distance: number;
  pairs: number;
}

/** Values of pairs by the edit distance of the pair: one group for each of 1 … {@link LIMIT}, and one for all that are further apart. */
export function byDistance(pairs: readonly { edits: number; value: number }[]): DistanceGroup[] {
  return Array.from({ length: LIMIT + 1 }, (_, i) => {
    const values = pairs.flatMap(({ edits, value }) => (Math.min(edits, LIMIT + 1) === i + 1 ? value : []));
    return { distance: i + 1, pairs: values.length, ...spreadOf(values) };
  });
}

/**
 * For each cell one that is likely to be near, and one that is somewhat further, as random pairs hardly ever are: a positive, and a positive of that
 * positive (paper §3), in canonical form. Either may be the cell itself.
 */
export function relatives(
  space: Space,
  cells: Uint32Array,
  random: Random,
): { once: Uint32Array; twice: Uint32Array } {
  const positive = (cell: CellCode) => space.canonical(space.mutate(cell, random));
  const once = cells.map(positive);
  return { once, twice: once.map(positive) };
}
