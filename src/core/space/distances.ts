import type { Random } from '../random/random.js';
import type { Space } from './space.js';

/** One row of {@link distanceShares}. */
export interface DistanceShare {
  /** The edit distance; for the last row, which counts all that are larger, the limit + 1. */
  distance: number;
  count: number;
  /** Share of all pairs, with its 95% confidence interval (Wilson's score interval). */
  share: number;
  low: number;
  high: number;
}

/**
 * How often pairs of different cells, drawn uniformly, are 1, 2, …, `limit` edits apart, and how often further
 * (paper figure 1a, REFERENCE §8, where the limit is 6).
 */
export function distanceShares(space: Space, pairs: number, random: Random, limit = 6): DistanceShare[] {
  const counts = Array<number>(limit + 2).fill(0);
  const cells = space.cells();
  for (let i = 0; i < pairs; i++) {
    const a = random.int(space.size);
    const b = (a + 1 + random.int(space.size - 1)) % space.size;
    counts[space.distance(cells[a]!, cells[b]!, limit)]!++;
  }
  return counts
    .slice(1)
    .map((count, i) => ({ distance: i + 1, count, share: count / pairs, ...wilson(count, pairs) }));
}

/** Wilson's score interval of a proportion, 95% confidence. */
function wilson(successes: number, trials: number): { low: number; high: number } {
  const z = 1.959963984540054;
  const p = successes / trials;
  const centre = p + (z * z) / (2 * trials);
  const spread = z * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials));
  const scale = 1 + (z * z) / trials;
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}
