import { z } from 'zod';
import { distanceParam, openDistance } from '../distances/index.js';
import { type BitTriplets, IntervalTriplets } from '../miners/selection.js';
import { noTriplet } from './idle.js';
import { defineLoss, type LossContext } from './loss.js';

/**
 * mean over the strictly positive entries of relu(d(a,p) − d(a,n) + margin), over triplets.
 */
export const tripletMargin = defineLoss({
  name: 'TripletMargin',
  summary: 'Pulls each positive nearer to its anchor than the negative, by a margin',
  formula: 'meanPos_T relu(pd(a,p) − pd(a,n) + margin)',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, TripletMarginLoss; arXiv 1503.03832',
  reducer: 'AvgNonZero',
  params: z.strictObject({
    margin: z
      .number()
      .min(0)
      .max(4)
      .default(0.1)
      .describe('by how much the negative should be farther than the positive')
      .meta({ unit: 'distance' }),
    distance: distanceParam('Pairwise'),
  }),
  experiment: {
    miner: { name: 'TripletMargin', params: { margin: 0.1, type: 'semihard' } },
    weight: 1,
    batch: 512,
    learningRate: 1,
  },
  create({ margin, distance: name }) {
    const distance = openDistance(name);
    return {
      distance,
      terms: ['loss'],
      idle: noTriplet,
      kernels(context) {
        const { selection, batch, matrix, coefficients, totals, low, high } = context;
        const triplets = selection.triplets();
        if (!(triplets instanceof IntervalTriplets)) return undefined;
        const { pairStart, positive } = batch.classArrays;
        return [
          [
            'tripletHingeRows',
            ...[coefficients, totals, matrix, triplets.spans, triplets.order],
            ...[pairStart, positive, batch.rows, distance.sign, margin],
            ...[Math.max(0, low), high, Number(distance.perValue)],
          ],
        ];
      },
      row(context, a) {
        bitRow(context, context.selection.triplets() as BitTriplets, distance.sign, margin, a);
      },
    };
  },
});

function bitRow(
  context: LossContext,
  { words, width }: BitTriplets,
  sign: number,
  margin: number,
  a: number,
): void {
  const { batch, matrix, coefficients, low, high } = context;
  const { pairStart, positive } = batch.classes;
  const offset = a * batch.rows;
  const cut = Math.max(0, low);
  let sum = 0;
  let tuples = 0;
  let counted = 0;
  for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
    const p = positive[k];
    const reached = sign * matrix[offset + p];
    let active = 0;
    for (let w = 0; w < width; w++) {
      let word = words[k * width + w];
      while (word !== 0) {
        const n = (w << 5) + 31 - Math.clz32(word & -word);
        word &= word - 1;
        tuples++;
        const loss = reached - sign * matrix[offset + n] + margin;
        if (!(loss > cut && loss < high)) continue;
        sum += loss;
        active++;
        coefficients[offset + n] -= sign;
      }
    }
    coefficients[offset + p] = sign * active;
    counted += active;
  }
  context.sum[0][a] = sum;
  context.tuples[0][a] = tuples;
  context.counted[0][a] = counted;
}
