import { z } from 'zod';
import type { Classes, EmbeddingBatch } from '../distances/index.js';
import { kernels } from '../kernels/kernels.js';
import { total, wordsPerRow } from './bits.js';
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
      .describe('angle above which a triplet is mined')
      .meta({ unit: 'degrees' }),
  }),
  create({ angle }): Miner {
    const tangent = 2 * Math.tan((angle * Math.PI) / 180);
    /** For which classes a batch has its bit sets: they stay the same from step to step. */
    const filledFor = new WeakMap<EmbeddingBatch, Int32Array>();
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
        const gram = batch.gram();
        const own = arena.float64('own', 32 * width);
        for (let n = 0; n < rows; n++) own[n] = batch.square[n] + 2 * epsilon * batch.sum[n];
        const thresholds = arena.float64('thresholds', classes.pairs);
        fillThresholds(batch, gram, tangent, thresholds);
        const others = arena.int32('others', classes.count * width);
        if (filledFor.get(batch) !== classes.classOf) fillOthers(classes, width, others);
        filledFor.set(batch, classes.classOf);
        const sizes = arena.int32('sizes', rows);
        const { classOf, pairStart, positive } = batch.classArrays;
        kernels().run(rows, [
          'angularRows',
          ...[words, sizes, gram, own, thresholds, others],
          ...[classOf, pairStart, positive, rows, width],
        ]);
        return new BitTriplets(classes, words, total(sizes, rows));
      },
    };
  },
});

/** For each class, the bit set of the rows that are not in it. */
function fillOthers({ rows, count, classOf }: Classes, width: number, others: Int32Array): void {
  others.fill(0, 0, count * width);
  for (let n = 0; n < rows; n++) {
    for (let c = 0; c < count; c++) if (classOf[n] !== c) others[c * width + (n >> 5)] |= 1 << (n & 31);
  }
}

/** For each pair (a, p): c² − (pd(a,p) / (2 tan angle))² with all of c = (a + p)/2 that does not depend on n. */
function fillThresholds(
  batch: EmbeddingBatch,
  gram: Float64Array,
  tangent: number,
  thresholds: Float64Array,
): void {
  const { rows, dim, classes, square, sum } = batch;
  const constant = dim * epsilon * epsilon;
  for (let a = 0; a < rows; a++) {
    for (let k = classes.pairStart[a]; k < classes.pairStart[a + 1]; k++) {
      const p = classes.positive[k];
      const centre =
        (square[a] + square[p] + 2 * gram[a * rows + p]) / 4 - epsilon * (sum[a] + sum[p]) + constant;
      thresholds[k] = centre - squaredPairwise(batch, a, p) / tangent ** 2;
    }
  }
}

/** pd(x, y)² */
function squaredPairwise({ unit, dim }: EmbeddingBatch, x: number, y: number): number {
  let square = 0;
  for (let d = 0; d < dim; d++) square += (unit[x * dim + d] - unit[y * dim + d] + epsilon) ** 2;
  return square;
}
