import { z } from 'zod';
import type { Classes, EmbeddingBatch } from '../distances/index.js';
import { popcount, wordsPerRow } from './bits.js';
import { defineMiner, type Miner } from './miner.js';
import { BitTriplets } from './selection.js';

/** What PyTorch's `pairwise_distance` adds to every coordinate of the difference. */
const epsilon = 1e-6;

/**
 * Triplets whose angle at the negative is large: atan(pd(a,p) / (2·pd(n,c))) > angle, c = (a + p)/2.
 *
 * No distance to a centre is ever taken: the condition is pd(n,c)² < (pd(a,p) / (2 tan angle))², and
 * pd(n,c)² = ‖n‖² + ‖c‖² − (n·a + n·p) + 2ε(Σn − Σc) + dim·ε², so that one addition and one comparison decide a triplet:
 * n·a + n·p − (‖n‖² + 2εΣn) > threshold(a,p).
 */
export const angular = defineMiner({
  name: 'Angular',
  summary: 'Triplets with a large angle at the negative, seen from the centre of anchor and positive',
  formula: 'atan(pd(a,p) / (2·pd(n, (a + p)/2))) > angle',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, AngularMiner; arXiv 1708.01682',
  params: z.strictObject({
    angle: z
      .number()
      .gt(0)
      .lt(90)
      .default(20)
      .describe('angle above which a triplet is mined, between 0 and 90')
      .meta({ unit: 'degrees' }),
  }),
  create({ angle }): Miner {
    const tangent = 2 * Math.tan((angle * Math.PI) / 180);
    return {
      mine(batch) {
        const { rows, classes } = batch;
        const width = wordsPerRow(rows);
        const arena = batch.scratch(this);
        const words = arena.int32('words', classes.pairs * width);
        if (!batch.finite) {
          words.fill(0);
          return new BitTriplets(classes, words, 0);
        }
        const others = arena.int32('others', classes.count * width);
        fillOthers(classes, width, others);
        const halves = arena.int32('halves', 16 * width * rows);
        fillHalves(batch, arena.float64('own', rows), halves, width);
        const work: Work = { batch, tangent, halves, others, width, words };
        let size = 0;
        for (let a = 0; a < rows; a++) size += mineAnchor(work, a);
        return new BitTriplets(classes, words, size);
      },
    };
  },
});

interface Work {
  batch: EmbeddingBatch;
  /** 2 tan(angle). */
  tangent: number;
  halves: Int32Array;
  others: Int32Array;
  width: number;
  words: Int32Array;
}

/** For each class, the bit set of the rows that are not in it. */
function fillOthers({ rows, count, classOf }: Classes, width: number, others: Int32Array): void {
  others.fill(0, 0, count * width);
  for (let n = 0; n < rows; n++) {
    for (let c = 0; c < count; c++) if (classOf[n] !== c) others[c * width + (n >> 5)] |= 1 << (n & 31);
  }
}

/**
 * Integers of 16 bits, two in a word, decide all triplets but those very near their threshold: a subtraction and a bit, where comparing
 * numbers would cost a jump that cannot be foreseen. The halves h(x,n) = x·n − (‖n‖² + 2εΣn)/2 lie in [−1.5, 0.5] but for rounding; shifted
 * by 1.6 and cut off to integers of this unit, the sum of two is below 2^15, and by less than `doubt` off its threshold.
 */
const perUnit = 7800;
const shift = 1.6;
const doubt = 3;
/** The bit that a subtraction leaves in each of the two integers where nothing had to be borrowed. */
const flags = 0x80008000 | 0;

/** (‖n‖² + 2εΣn)/2 */
const halfOwn = ({ square, sum }: EmbeddingBatch, n: number) => square[n] / 2 + epsilon * sum[n];

/** Word 16w + i of row x holds the halves of rows 32w + i (low) and 32w + 16 + i (high). */
function fillHalves(batch: EmbeddingBatch, own: Float64Array, halves: Int32Array, width: number): void {
  const { rows } = batch;
  const gram = batch.gram();
  for (let n = 0; n < rows; n++) own[n] = halfOwn(batch, n) - shift;
  for (let x = 0; x < rows; x++) {
    const row = x * rows;
    for (let w = 0, at = 16 * width * x; w < width; w++) {
      for (let n = w << 5; n < (w << 5) + 16; n++, at++) {
        const low = n < rows ? ((gram[row + n] - own[n]) * perUnit) | 0 : 0;
        const high = n + 16 < rows ? ((gram[row + n + 16] - own[n + 16]) * perUnit) | 0 : 0;
        halves[at] = low | (high << 16);
      }
    }
  }
}

/** The triplets of (a, p) and (p, a), for all p > a; returns their number. */
function mineAnchor({ batch, tangent, halves, others, width, words }: Work, a: number): number {
  const { rows, classes, square, sum } = batch;
  const gram = batch.gram();
  const mask = classes.classOf[a] * width;
  let size = 0;
  for (let k = classes.pairStart[a]; k < classes.pairStart[a + 1]; k++) {
    const p = classes.positive[k];
    if (p < a) continue;
    const centre =
      (square[a] + square[p] + 2 * gram[a * rows + p]) / 4 -
      epsilon * (sum[a] + sum[p]) +
      batch.dim * epsilon * epsilon;
    const there = centre - squaredPairwise(batch, a, p) / tangent ** 2;
    const back = centre - squaredPairwise(batch, p, a) / tangent ** 2;
    const lowest = Math.floor((Math.min(there, back) + 2 * shift) * perUnit) - doubt;
    const highest = Math.ceil((Math.max(there, back) + 2 * shift) * perUnit) + doubt;
    const below = flags | twice(lowest);
    const above = flags | twice(highest);
    const from = k * width;
    const mirrored = classes.pairOf(p, a) * width;
    for (let w = 0; w < width; w++) {
      decide(halves, 16 * (a * width + w), 16 * (p * width + w), below, above);
      let forward = decided[0];
      let backward = forward;
      if (decided[1] !== 0) {
        forward = compare(batch, gram, a, p, there, w << 5);
        backward = compare(batch, gram, a, p, back, w << 5);
      }
      forward &= others[mask + w];
      backward &= others[mask + w];
      words[from + w] = forward;
      words[mirrored + w] = backward;
      size += popcount(forward) + popcount(backward);
    }
  }
  return size;
}

/** pd(x, y)² */
function squaredPairwise({ unit, dim }: EmbeddingBatch, x: number, y: number): number {
  let square = 0;
  for (let d = 0; d < dim; d++) square += (unit[x * dim + d] - unit[y * dim + d] + epsilon) ** 2;
  return square;
}

/** An integer in both halves of a word, within what 15 bits hold. */
function twice(threshold: number): number {
  const value = Math.max(0, Math.min(0x7fff, threshold));
  return value | (value << 16);
}

/** What {@link decide} found: the bits of 32 rows, and not 0 if one of them is between the thresholds. */
const decided = new Int32Array(2);

function decide(halves: Int32Array, x: number, y: number, below: number, above: number): void {
  let bits = 0;
  let undecided = 0;
  for (let i = 0; i < 16; i++) {
    const value = (halves[x + i] + halves[y + i]) | 0;
    const left = (above - value) | 0;
    undecided |= left ^ (below - value);
    bits = (bits >>> 1) | (~left & flags);
  }
  decided[0] = bits;
  decided[1] = undecided & flags;
}

/** Bits of the 32 rows from `begin` on, by the exact condition. */
function compare(
  batch: EmbeddingBatch,
  gram: Float64Array,
  a: number,
  p: number,
  threshold: number,
  begin: number,
): number {
  const { rows } = batch;
  const end = Math.min(rows, begin + 32);
  let bits = 0;
  for (let n = begin; n < end; n++) {
    const value = gram[a * rows + n] + gram[p * rows + n] - 2 * halfOwn(batch, n);
    if (value > threshold) bits |= 1 << (n - begin);
  }
  return bits;
}
