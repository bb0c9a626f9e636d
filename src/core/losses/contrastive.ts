import { z } from 'zod';
import { distanceParam, openDistance } from '../distances/index.js';
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
      .describe('distance up to which a positive pair costs nothing, −4 … 4')
      .meta({ unit: 'distance' }),
    negativeMargin: z
      .number()
      .min(-4)
      .max(4)
      .default(1)
      .describe('distance from which a negative pair costs nothing, −4 … 4')
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
    const distance = openDistance(name);
    const { sign } = distance;
    return {
      distance,
      terms: ['pos_loss', 'neg_loss'],
      idle: atMostOne,
      row(context, a) {
        const { batch, selection, matrix, coefficients, low, high, positive, negative, times } = context;
        const { pairStart, positive: other } = batch.classes;
        const offset = a * batch.rows;
        selection.positiveCounts(a, positive);
        const negatives = selection.negativesOf(a, negative, times);
        let sum = 0;
        let tuples = 0;
        let counted = 0;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          const count = positive[k];
          const loss = Math.max(0, sign * (matrix[offset + other[k]] - positiveMargin));
          tuples += count;
          if (count === 0 || !(loss > low && loss < high)) continue;
          sum += count * loss;
          counted += count;
          if (loss > 0) coefficients[offset + other[k]] = sign * count;
        }
        context.sum[0][a] = sum;
        context.tuples[0][a] = tuples;
        context.counted[0][a] = counted;
        sum = 0;
        tuples = 0;
        counted = 0;
        for (let i = 0; i < negatives; i++) {
          const at = offset + negative[i];
          const count = times[i];
          const loss = Math.max(0, sign * (negativeMargin - matrix[at]));
          tuples += count;
          if (!(loss > low && loss < high)) continue;
          sum += count * loss;
          counted += count;
          if (loss > 0) coefficients[at] = -sign * count;
        }
        context.sum[1][a] = sum;
        context.tuples[1][a] = tuples;
        context.counted[1][a] = counted;
      },
    };
  },
});
