import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from '../kernels/exp.js';
import { atMostOne } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * Per row softplus(LSE_P(−γ[1 + m − s]₊(s − 1 + m)) + LSE_N(γ[s + m]₊(s − m))), the factors [·]₊ held constant in the gradient; 0 for a row
 * without positives or without negatives; mean over the rows whose loss is strictly positive. Each pair once.
 */
export const circle = defineLoss({
  name: 'Circle',
  summary: 'Pairs weighed by their own distance from the optimum, with a circular decision boundary',
  formula: 'meanPos over rows of softplus(LSE_P(−γ[1 + m − s]₊(s − 1 + m)) + LSE_N(γ[s + m]₊(s − m)))',
  source: 'pytorch-metric-learning 0.9.88, CircleLoss; arXiv 2002.10857',
  reducer: 'AvgNonZero',
  params: z.strictObject({
    margin: z.number().min(-1).max(1).default(0.4).describe('relaxation m').meta({ unit: 'similarity' }),
    gamma: z.number().positive().max(10_000).default(80).describe('scale γ').meta({ unit: 'factor' }),
  }),
  experiment: { miner: { name: 'None', params: {} }, weight: 1, batch: 512, learningRate: 1 },
  create({ margin, gamma }) {
    const pull = (s: number) => -gamma * Math.max(0, 1 + margin - s);
    const push = (s: number) => gamma * Math.max(0, s + margin);
    return {
      distance: openDistance('Cosine'),
      terms: ['loss'],
      idle: atMostOne,
      row(context, a) {
        const { batch, selection, matrix, coefficients, low, high, positive, negative, times } = context;
        const { rows } = batch;
        const { pairStart, positive: other } = batch.classes;
        const offset = a * rows;
        selection.positiveCounts(a, positive);
        const negatives = selection.negativesOf(a, negative, times);
        context.tuples[0][a] = 1;
        // γ may be large: the exponents are taken from the largest one of either kind.
        let mostPull = Number.NEGATIVE_INFINITY;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          if (positive[k] === 0) continue;
          const s = matrix[offset + other[k]];
          mostPull = Math.max(mostPull, pull(s) * (s - 1 + margin));
        }
        let mostPush = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < negatives; i++) {
          const s = matrix[offset + negative[i]];
          mostPush = Math.max(mostPush, push(s) * (s - margin));
        }
        const twoSided = mostPull > Number.NEGATIVE_INFINITY && mostPush > Number.NEGATIVE_INFINITY;
        let together = 0;
        let apart = 0;
        if (twoSided) {
          for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
            if (positive[k] === 0) continue;
            const s = matrix[offset + other[k]];
            const e = exp(pull(s) * (s - 1 + margin) - mostPull);
            coefficients[offset + other[k]] = e;
            together += e;
          }
          for (let i = 0; i < negatives; i++) {
            const at = offset + negative[i];
            const s = matrix[at];
            const e = exp(push(s) * (s - margin) - mostPush);
            coefficients[at] = e;
            apart += e;
          }
        }
        const inner = twoSided ? Math.log(together) + mostPull + Math.log(apart) + mostPush : 0;
        const loss = twoSided ? Math.max(0, inner) + Math.log1p(exp(-Math.abs(inner))) : 0;
        const counts = loss > low && loss < high;
        if (counts) {
          context.sum[0][a] = loss;
          context.counted[0][a] = 1;
        }
        const slope = counts ? 1 / (1 + exp(-inner)) : 0;
        if (!twoSided) return;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          if (positive[k] === 0) continue;
          const at = offset + other[k];
          coefficients[at] *= (slope / together) * pull(matrix[at]);
        }
        for (let i = 0; i < negatives; i++) {
          const at = offset + negative[i];
          coefficients[at] *= (slope / apart) * push(matrix[at]);
        }
      },
    };
  },
});
