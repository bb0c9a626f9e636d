import { z } from 'zod';
import { distanceParam, openDistance } from '../distances/index.js';
import { hinges } from './hinges.js';
import { atMostOne } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * meanPos(relu(d(a,p) − positiveMargin)) + meanPos(relu(negativeMargin − d(a,n))), over pairs with repetition, meanPos being the mean over
 * strictly positive entries. For a similarity the two differences are turned round.
 */
export const contrastive = defineLoss({
  name: 'Contrastive',
  summary: 'Pulls positive pairs together and pushes negative pairs a margin apart',
  formula: 'meanPos_T relu(D(a,p) − m₊) + meanPos_T relu(m₋ − D(a,n))',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, ContrastiveLoss; Hadsell, Chopra, LeCun 2006',
  reducer: 'AvgNonZero',
  params: z.strictObject({
    positiveMargin: z
      .number()
      .min(-4)
      .max(4)
      .default(0)
      .describe('distance up to which a positive pair costs nothing')
      .meta({ unit: 'distance' }),
    negativeMargin: z
      .number()
      .min(-4)
      .max(4)
      .default(1)
      .describe('distance from which a negative pair costs nothing')
      .meta({ unit: 'distance' }),
    distance: distanceParam('Euclidean'),
  }),
  experiment: {
    miner: { name: 'TripletMargin', params: { margin: 0.1, type: 'semihard' } },
    weight: 1,
    batch: 512,
    learningRate: 1,
  },
  create({ positiveMargin, negativeMargin, distance: name }) {
    return {
      distance: openDistance(name),
      terms: ['pos_loss', 'neg_loss'],
      idle: atMostOne,
      kernels: (context) => hinges(context, positiveMargin, negativeMargin),
    };
  },
});
