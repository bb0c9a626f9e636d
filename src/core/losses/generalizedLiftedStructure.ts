import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { atMostOne } from './idle.js';
import { defineLoss } from './loss.js';
import { finishRows, softMaxima } from './softMaxima.js';

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
    weight: 0.1,
    batch: 512,
    learningRate: 1,
  },
  create({ positiveMargin, negativeMargin }) {
    return {
      distance: openDistance('Euclidean'),
      terms: ['loss'],
      idle: atMostOne,
      kernels: (context) =>
        softMaxima(context, { start: 0, pull: 1, near: positiveMargin, push: -1, far: negativeMargin }),
      finish: (context) =>
        finishRows(context, (together, apart) => Math.max(0, logOrZero(together) + logOrZero(apart))),
    };
  },
});

const logOrZero = (sum: number) => (sum > 0 ? Math.log(sum) : 0);
