import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from '../kernels/exp.js';
import { atMostOneOrOneSided } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * mean over the positive pairs of −log(e^(s(a,p)/τ) / (e^(s(a,p)/τ) + Σ over the negative pairs that start at a of e^(s(a,n)/τ))), with
 * repetition. Computed without the reference's 1e-20 inside the logarithm.
 */
export const ntXent = defineLoss({
  name: 'NTXent',
  summary:
    'Each positive against all negatives of its anchor (InfoNCE, normalised temperature-scaled cross-entropy)',
  formula: 'mean over (a,p) of −log(e^(s(a,p)/τ) / (e^(s(a,p)/τ) + Σ_n e^(s(a,n)/τ)))',
  source: 'pytorch-metric-learning 0.9.88, NTXentLoss; arXiv 1807.03748, 2002.05709',
  reducer: 'Mean',
  params: z.strictObject({
    temperature: z
      .number()
      .min(0.005)
      .max(100)
      .default(0.07)
      .describe('temperature τ')
      .meta({ unit: 'similarity' }),
  }),
  experiment: { miner: { name: 'None', params: {} }, weight: 1, batch: 512, learningRate: 1 },
  create({ temperature }) {
    return {
      distance: openDistance('Cosine'),
      terms: ['loss'],
      idle: atMostOneOrOneSided,
      row(context, a) {
        const { batch, selection, matrix, coefficients, low, high, positive, negative, times } = context;
        const { rows } = batch;
        const { pairStart, positive: other } = batch.classes;
        const offset = a * rows;
        selection.positiveCounts(a, positive);
        const negatives = selection.negativesOf(a, negative, times);
        let total = 0;
        for (let i = 0; i < negatives; i++) {
          const at = offset + negative[i];
          const e = times[i] * exp(matrix[at] / temperature);
          coefficients[at] = e;
          total += e;
        }
        let pull = 0;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          const count = positive[k];
          if (count === 0) continue;
          const at = offset + other[k];
          const perNegative = exp(-matrix[at] / temperature);
          const inner = perNegative * total;
          const loss = Math.log1p(inner);
          context.tuples[0][a] += count;
          if (!(loss > low && loss < high)) continue;
          context.sum[0][a] += count * loss;
          context.counted[0][a] += count;
          const weight = count / (1 + inner) / temperature;
          pull += weight * perNegative;
          coefficients[at] = -weight * inner;
        }
        for (let i = 0; i < negatives; i++) coefficients[offset + negative[i]] *= pull;
      },
    };
  },
});
