import { z } from 'zod';
import { pairwiseToAnchor } from '../distances/pairwise.js';
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
      .describe('margin m on both sides of β, 0 … 4')
      .meta({ unit: 'distance' }),
    beta: z
      .number()
      .min(0)
      .max(4)
      .default(1.2)
      .describe('boundary β (fixed, not learnt), 0 … 4')
      .meta({ unit: 'distance' }),
  }),
  experiment: {
    miner: { name: 'TripletMargin', params: { margin: 0.2, type: 'semihard' } },
    weight: 1,
    batch: 512,
    learningRate: 1,
  },
  create({ margin, beta }) {
    const totalActive = (active: Float64Array, rows: number) => {
      let total = 0;
      for (let a = 0; a < rows; a++) total += active[a];
      return total;
    };
    return {
      distance: pairwiseToAnchor(),
      terms: ['pos_loss', 'neg_loss'],
      idle: noTriplet,
      row(context, a) {
        const { batch, matrix, coefficients, low, high, positive, negative, times } = context;
        const { pairStart, positive: other } = batch.classes;
        const triplets = context.selection.triplets();
        const offset = a * batch.rows;
        triplets.positiveCounts(a, positive);
        const negatives = triplets.negativesOf(a, negative, times);
        let sum = 0;
        let tuples = 0;
        let counted = 0;
        let active = 0;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          const count = positive[k];
          const loss = Math.max(0, matrix[offset + other[k]] - beta + margin);
          tuples += count;
          if (loss > 0) active += count;
          if (count === 0 || !(loss > low && loss < high)) continue;
          sum += count * loss;
          counted += count;
          if (loss > 0) coefficients[offset + other[k]] = count;
        }
        context.sum[0][a] = sum;
        context.tuples[0][a] = tuples;
        context.counted[0][a] = counted;
        context.own('activePositives', batch.rows)[a] = active;
        sum = 0;
        counted = 0;
        active = 0;
        for (let i = 0; i < negatives; i++) {
          const at = offset + negative[i];
          const count = times[i];
          const loss = Math.max(0, beta - matrix[at] + margin);
          if (loss > 0) active += count;
          if (!(loss > low && loss < high)) continue;
          sum += count * loss;
          counted += count;
          if (loss > 0) coefficients[at] = -count;
        }
        context.sum[1][a] = sum;
        context.tuples[1][a] = tuples;
        context.counted[1][a] = counted;
        context.own('activeNegatives', batch.rows)[a] = active;
      },
      divisor: ({ own, batch: { rows } }) =>
        totalActive(own('activePositives', rows), rows) + totalActive(own('activeNegatives', rows), rows),
      idleDetails: { total_divisor: 1 },
      details({ own, batch: { rows } }) {
        const num_pos_pairs = totalActive(own('activePositives', rows), rows);
        const num_neg_pairs = totalActive(own('activeNegatives', rows), rows);
        return { num_pos_pairs, num_neg_pairs, total_divisor: num_pos_pairs + num_neg_pairs };
      },
    };
  },
});
