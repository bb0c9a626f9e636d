import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from '../kernels/exp.js';
import { atMostOneOrOneSided } from './idle.js';
import { defineLoss, type LossContext } from './loss.js';

/**
 * mean over T of ½·relu(D(a,p) − positiveMargin + LSE over the negative pairs j of T that start at a or at p of (negativeMargin − D_j))²,
 * with repetition. What starts at a row is summed up once, R(a) = Σ_j exp(…), so that the LSE of a pair is log(R(a) + R(p)).
 */
export const liftedStructure = defineLoss({
  name: 'LiftedStructure',
  summary: 'Pulls each positive pair together against all negatives of both its ends',
  formula: 'mean_T ½·relu(D(a,p) − m₊ + LSE over j ∈ T, a_j ∈ {a, p}, of (m₋ − D(a_j,n_j)))²',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, LiftedStructureLoss; arXiv 1511.06452',
  reducer: 'Mean',
  params: z.strictObject({
    positiveMargin: z
      .number()
      .min(-4)
      .max(4)
      .default(0)
      .describe('taken off positive distances')
      .meta({ unit: 'distance' }),
    negativeMargin: z
      .number()
      .min(-4)
      .max(4)
      .default(1)
      .describe('distance that negatives should keep')
      .meta({ unit: 'distance' }),
  }),
  experiment: {
    miner: { name: 'TripletMargin', params: { margin: 0.1, type: 'semihard' } },
    weight: 0.05,
    batch: 64,
    learningRate: 0.2,
  },
  create({ positiveMargin, negativeMargin }) {
    /** D − m₊ + LSE of pair (a, p); its relu is also the derivative of the loss. */
    const hinge = (context: LossContext, reach: Float64Array, a: number, p: number) => {
      const both = reach[a] + reach[p];
      const distance = context.matrix[a * context.batch.rows + p];
      return Math.max(0, distance - positiveMargin + (both > 0 ? Math.log(both) : 0));
    };
    return {
      distance: openDistance('Euclidean'),
      terms: ['loss'],
      idle: atMostOneOrOneSided,
      prepare(context) {
        const { batch, selection, matrix, positive, negative, times } = context;
        const reach = context.own('reach', batch.rows);
        for (let a = 0; a < batch.rows; a++) {
          selection.positiveCounts(a, positive);
          const negatives = selection.negativesOf(a, negative, times);
          reach[a] = 0;
          for (let i = 0; i < negatives; i++) {
            reach[a] += times[i] * exp(negativeMargin - matrix[a * batch.rows + negative[i]]);
          }
        }
      },
      row(context, a) {
        const { batch, selection, matrix, coefficients, low, high, positive, negative, times, own } = context;
        const { classes } = batch;
        const reach = own('reach', batch.rows);
        const offset = a * batch.rows;
        // Of the pairs that start or end at a: what the loss changes with R(a).
        let pull = 0;
        for (let k = classes.pairStart[a]; k < classes.pairStart[a + 1]; k++) {
          const p = classes.positive[k];
          const both = reach[a] + reach[p];
          const count = positive[k];
          if (count > 0) {
            const distance = hinge(context, reach, a, p);
            const loss = (distance * distance) / 2;
            context.tuples[0][a] += count;
            if (loss > low && loss < high) {
              context.sum[0][a] += count * loss;
              context.counted[0][a] += count;
              coefficients[offset + p] = count * distance;
              if (both > 0) pull += (count * distance) / both;
            }
          }
          const countBack = positive[classes.pairOf(p, a)];
          if (countBack > 0 && both > 0) {
            const distance = hinge(context, reach, p, a);
            const loss = (distance * distance) / 2;
            if (loss > low && loss < high) pull += (countBack * distance) / both;
          }
        }
        if (pull === 0) return;
        const negatives = selection.negativesOf(a, negative, times);
        for (let i = 0; i < negatives; i++) {
          const at = offset + negative[i];
          coefficients[at] = -pull * times[i] * exp(negativeMargin - matrix[at]);
        }
      },
    };
  },
});
