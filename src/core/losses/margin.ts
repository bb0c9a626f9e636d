import { z } from 'zod';
import { pairwiseToAnchor } from '../distances/pairwise.js';
import { activePairs, hinges } from './hinges.js';
import { noTriplet } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * Σ_T [relu(pd(p,a) − β + margin) + relu(β − pd(n,a) + margin)] / (#positive entries of either kind), where pd is taken to the anchor
 * as the reference does. Reducers other than Divisor see the two kinds as two terms.
 */
export const margin = defineLoss({
  name: 'Margin',
  summary: 'Keeps positive pairs below and negative pairs above a boundary β, each by a margin',
  formula: 'Σ_T [relu(pd(p,a) − β + m) + relu(β − pd(n,a) + m)] / (#pos > 0 + #neg > 0)',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, MarginLoss; arXiv 1706.07567',
  reducer: 'Divisor',
  params: z.strictObject({
    margin: z
      .number()
      .min(0)
      .max(4)
      .default(0.2)
      .describe('margin m on both sides of β')
      .meta({ unit: 'distance' }),
    beta: z
      .number()
      .min(0)
      .max(4)
      .default(1.2)
      .describe('boundary β (fixed, not learnt)')
      .meta({ unit: 'distance' }),
  }),
  experiment: {
    miner: { name: 'TripletMargin', params: { margin: 0.2, type: 'semihard' } },
    weight: 1,
    batch: 512,
    learningRate: 1,
  },
  create({ margin, beta }) {
    return {
      distance: pairwiseToAnchor(),
      terms: ['pos_loss', 'neg_loss'],
      idle: noTriplet,
      kernels: (context) => hinges(context, beta - margin, beta + margin, context.selection.triplets()),
      divisor(context) {
        const [positives, negatives] = activePairs(context);
        return positives + negatives;
      },
      idleDetails: { total_divisor: 1 },
      details(context) {
        const [num_pos_pairs, num_neg_pairs] = activePairs(context);
        return { num_pos_pairs, num_neg_pairs, total_divisor: num_pos_pairs + num_neg_pairs };
      },
    };
  },
});
