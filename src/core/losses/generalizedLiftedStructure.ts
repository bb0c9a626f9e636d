import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from './exp.js';
import { atMostOne } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * mean over all n rows of relu(LSE over P of (D − positiveMargin) + LSE over N of (negativeMargin − D)), where P and N are the row's
 * mined positives and negatives, each once; LSE = log Σ exp, of nothing 0.
 */
export const generalizedLiftedStructure = defineLoss({
  name: 'GeneralizedLiftedStructure',
  summary: 'Per row, a soft maximum of its positive distances plus a soft maximum of its negative nearnesses',
  formula: 'mean over rows of relu(LSE_P(D − m₊) + LSE_N(m₋ − D))',
  source:
    'REFERENCE §5; pytorch-metric-learning 0.9.88, GeneralizedLiftedStructureLoss; arXiv 1703.07737, p. 4',
  reducer: 'Mean',
  params: z.strictObject({
    positiveMargin: z
      .number()
      .min(-4)
      .max(4)
      .default(0)
      .describe('taken off positive distances, −4 … 4')
      .meta({ unit: 'distance' }),
    negativeMargin: z
      .number()
      .min(-4)
      .max(4)
      .default(1)
      .describe('distance that negatives should keep, −4 … 4')
      .meta({ unit: 'distance' }),
  }),
  experiment: {
    miner: { name: 'TripletMargin', params: { margin: 0.1, type: 'semihard' } },
    weight: 0.1,
    batch: 512,
    learningRate: 1,
  },
  create({ positiveMargin, negativeMargin }) {
    return {
      distance: openDistance('Euclidean'),
      terms: ['loss'],
      idle: atMostOne,
      row(context, a) {
        const { batch, selection, matrix, coefficients, low, high, positive, negative, times } = context;
        const { pairStart, positive: other } = batch.classes;
        const offset = a * batch.rows;
        selection.positiveCounts(a, positive);
        const negatives = selection.negativesOf(a, negative, times);
        let together = 0;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          if (positive[k] === 0) continue;
          const e = exp(matrix[offset + other[k]] - positiveMargin);
          coefficients[offset + other[k]] = e;
          together += e;
        }
        let apart = 0;
        for (let i = 0; i < negatives; i++) {
          const at = offset + negative[i];
          const e = exp(negativeMargin - matrix[at]);
          coefficients[at] = e;
          apart += e;
        }
        const loss = Math.max(0, (together > 0 ? Math.log(together) : 0) + (apart > 0 ? Math.log(apart) : 0));
        context.tuples[0][a] = 1;
        const counts = loss > low && loss < high;
        if (counts) {
          context.sum[0][a] = loss;
          context.counted[0][a] = 1;
        }
        const active = counts && loss > 0 ? 1 : 0;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          if (positive[k] > 0) coefficients[offset + other[k]] *= active / together;
        }
        for (let i = 0; i < negatives; i++) coefficients[offset + negative[i]] *= -active / apart;
      },
    };
  },
});
