import { spearman } from '../core/benchmark/statistics.js';
import type { Random } from '../core/random/random.js';
import type { Space } from '../core/space/index.js';
import { byDistance, type DistanceGroup } from './byDistance.js';
import { type Features, nearest, nearestNeighbours, ridgeRegression, squaredDistance } from './surrogates.js';

/** Embeddings of cells: row i is that of `cells[i]`. */
export interface Embedded extends Features {
  readonly space: Space;
  readonly cells: Uint32Array;
}

/** How embedding distance follows edit distance (paper figure 1c). */
export interface Locality {
  /** Spearman correlation of Euclidean and edit distance over random pairs. */
  correlation: number;
  pairs: number;
  /** Euclidean distance by exact edit distance. */
  byDistance: DistanceGroup[];
  /** Share of the `neighbours` nearest cells within 3 edits, the reach of a class, and that share among all pairs. */
  purity: number;
  chance: number;
  neighbours: number;
}

/** Positives are at most so many edits from their anchor (REFERENCE §3). */
const REACH = 3;
export const NEIGHBOURS = 10;

export interface LocalityOptions {
  /** The first so many rows are random cells: among them pairs are drawn and neighbours sought. */
  rows: number;
  /** Random pairs to compare. */
  pairs: number;
  /** Pairs of rows that are likely to be near each other, which random ones hardly are: for `byDistance` only. */
  close: readonly (readonly [number, number])[];
}

export function locality(
  embedded: Embedded,
  { rows: count, pairs, close }: LocalityOptions,
  random: Random,
): Locality {
  const { space, cells } = embedded;
  const compare = ([a, b]: readonly [number, number]) => ({
    edits: space.distance(cells[a]!, cells[b]!),
    value: Math.sqrt(squaredDistance(embedded, a, b)),
  });
  const drawn = Array.from({ length: pairs }, () => {
    const a = random.int(count);
    return compare([a, (a + 1 + random.int(count - 1)) % count]);
  });
  let near = 0;
  let neighbours = 0;
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  for (const row of rows) {
    for (const other of nearest(embedded, row, rows, NEIGHBOURS)) {
      neighbours++;
      if (space.distance(cells[row]!, cells[other]!, REACH) <= REACH) near++;
    }
  }
  return {
    correlation: spearman(
      drawn.map(({ edits }) => edits),
      drawn.map(({ value }) => value),
    ),
    pairs,
    byDistance: byDistance([...drawn, ...close.map(compare)]),
    purity: near / neighbours,
    chance: drawn.filter(({ edits }) => edits <= REACH).length / pairs,
    neighbours: NEIGHBOURS,
  };
}

/** How well accuracy follows the embedding. */
export interface Surrogates {
  cells: number;
  /**
   * Mean difference of accuracy to the nearest cells, over that to random cells: 1 where the embedding tells nothing, 0 where neighbours are
   * equally good.
   */
  roughness: number;
  /** Spearman correlation of prediction and accuracy on cells not learnt from, the mean of `splits` random splits. */
  surrogates: { train: number; linear: number; nearest: number; splits: number }[];
}

/**
 * @param accuracies one a cell
 * @param sizes training cells; sizes that leave fewer than 50 cells to test on are left out
 */
export function surrogates(
  embedded: Embedded,
  accuracies: Float64Array,
  random: Random,
  { sizes = [100, 400, 1000], splits = 10 } = {},
): Surrogates {
  const rows = Uint32Array.from(accuracies.keys());
  let toNear = 0;
  let toRandom = 0;
  for (const row of rows) {
    for (const other of nearest(embedded, row, rows, NEIGHBOURS)) {
      toNear += Math.abs(accuracies[row]! - accuracies[other]!);
      const another = (row + 1 + random.int(rows.length - 1)) % rows.length;
      toRandom += Math.abs(accuracies[row]! - accuracies[another]!);
    }
  }
  const results = sizes
    .filter((size) => size + 50 <= rows.length)
    .map((train) => {
      const scores = Array.from({ length: splits }, () => {
        const order = random.shuffle(rows.slice());
        const [learn, test] = [order.subarray(0, train), order.subarray(train)];
        const truth = Array.from(test, (row) => accuracies[row]!);
        return {
          linear: spearman([...ridgeRegression(embedded, learn, accuracies, test)], truth),
          nearest: spearman([...nearestNeighbours(embedded, learn, accuracies, test)], truth),
        };
      });
      const mean = (key: 'linear' | 'nearest') => scores.reduce((sum, score) => sum + score[key], 0) / splits;
      return { train, linear: mean('linear'), nearest: mean('nearest'), splits };
    });
  return { cells: rows.length, roughness: toNear / toRandom, surrogates: results };
}

/** What greedy decoding makes of cells (REFERENCE §4). */
export interface Decoding {
  /** Share of cells whose decoded sequence is a cell of the space. */
  valid: number;
  /** Share that come back as the same cell, isomorphic ones counted. */
  same: number;
  /** Share of tokens that come back. */
  tokens: number;
}

/** @param decoded a sequence for each cell, row-major */
export function decoding(
  space: Space,
  cells: Uint32Array,
  tokens: Int32Array,
  decoded: Int32Array,
): Decoding {
  const length = space.sequenceLength;
  let valid = 0;
  let same = 0;
  let equal = 0;
  for (const [row, cell] of cells.entries()) {
    const id = space.idOf(space.decode(decoded, row * length));
    if (id >= 0) valid++;
    if (id === space.idOf(cell)) same++;
    for (let i = row * length; i < (row + 1) * length; i++) if (tokens[i] === decoded[i]) equal++;
  }
  return { valid: valid / cells.length, same: same / cells.length, tokens: equal / tokens.length };
}
