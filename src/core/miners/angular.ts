import { z } from 'zod';
import type { Classes, EmbeddingBatch } from '../distances/index.js';
import { openDistance } from '../distances/index.js';
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
    const pairwise = openDistance('Pairwise');
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
        const own = arena.float64('own', rows);
        for (let n = 0; n < rows; n++) own[n] = batch.square[n] + 2 * epsilon * batch.sum[n];
        const distance = pairwise.matrix(batch);
        let size = 0;
        for (let a = 0; a < rows; a++)
          size += mineAnchor(batch, distance, tangent, own, others, width, a, words);
        return new BitTriplets(classes, words, size);
      },
    };
  },
});

/** For each class, the bit set of the rows that are not in it. */
function fillOthers({ rows, count, classOf }: Classes, width: number, others: Int32Array): void {
  others.fill(0, 0, count * width);
  for (let c = 0; c < count; c++) {
    for (let n = 0; n < rows; n++) if (classOf[n] !== c) others[c * width + (n >> 5)] |= 1 << (n & 31);
  }
}

/** The triplets of (a, p) and (p, a), for all p > a; returns their number. */
function mineAnchor(
  batch: EmbeddingBatch,
  distance: Float64Array,
  tangent: number,
  own: Float64Array,
  others: Int32Array,
  width: number,
  a: number,
  words: Int32Array,
): number {
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
    const there = centre - (distance[a * rows + p] / tangent) ** 2;
    const back = centre - (distance[p * rows + a] / tangent) ** 2;
    const from = k * width;
    const mirrored = classes.pairOf(p, a) * width;
    for (let w = 0; w < width; w++) {
      const begin = w << 5;
      const end = Math.min(rows, begin + 32);
      let forward = 0;
      let backward = 0;
      for (let n = begin; n < end; n++) {
        const value = gram[a * rows + n] + gram[p * rows + n] - own[n];
        forward |= (value > there ? 1 : 0) << n;
        backward |= (value > back ? 1 : 0) << n;
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
