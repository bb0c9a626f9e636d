import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from '../kernels/exp.js';
import { atMostOneOrOneSided } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * Per row log Σ over P ∪ N of e^(s/τ) − mean over P of s/τ (0 for a row without positives), P and N being the row's mined positives and
 * negatives, each once; mean over the rows whose loss is strictly positive.
 */
export const supCon = defineLoss({
  name: 'SupCon',
  summary:
    'Supervised contrastive loss: all positives of a row against everything else, averaged outside the logarithm',
  formula: 'meanPos over rows of log Σ_(P∪N) e^(s/τ) − (1/|P|) Σ_P s/τ',
  source: 'pytorch-metric-learning 2.8.1, SupConLoss (0.9.88 has none); arXiv 2004.11362, L_out',
  reducer: 'AvgNonZero',
  params: z.strictObject({
    temperature: z
      .number()
      .min(0.005)
      .max(100)
      .default(0.1)
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
        context.tuples[0][a] = 1;
        selection.positiveCounts(a, positive);
        let total = 0;
        let members = 0;
        let mean = 0;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          if (positive[k] === 0) continue;
          const at = offset + other[k];
          coefficients[at] = exp(matrix[at] / temperature);
          total += coefficients[at];
          mean += matrix[at] / temperature;
          members++;
        }
        if (members > 0) {
          const negatives = selection.negativesOf(a, negative, times);
          for (let i = 0; i < negatives; i++) {
            const at = offset + negative[i];
            coefficients[at] = exp(matrix[at] / temperature);
            total += coefficients[at];
          }
        }
        const loss = members === 0 ? 0 : Math.log(total) - mean / members;
        const counts = loss > low && loss < high;
        if (counts) {
          context.sum[0][a] = loss;
          context.counted[0][a] = 1;
        }
        if (!counts || members === 0) {
          coefficients.fill(0, offset, offset + rows);
          return;
        }
        for (let j = 0; j < rows; j++) coefficients[offset + j] /= total * temperature;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          if (positive[k] > 0) coefficients[offset + other[k]] -= 1 / (members * temperature);
        }
      },
    };
  },
});
