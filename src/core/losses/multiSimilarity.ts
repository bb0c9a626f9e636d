import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from './exp.js';
import { atMostOne } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * mean over all n rows of (1/α)·log(1 + Σ_P exp(−α(s − base))) + (1/β)·log(1 + Σ_N exp(β(s − base))), where P and N are the row's
 * mined positives and negatives, each once.
 */
export const multiSimilarity = defineLoss({
  name: 'MultiSimilarity',
  summary: 'Weighs every pair of a row by how hard it is among its fellows',
  formula: 'mean over rows of (1/α)·log(1 + Σ_P e^(−α(s − λ))) + (1/β)·log(1 + Σ_N e^(β(s − λ)))',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, MultiSimilarityLoss; arXiv 1904.06627',
  reducer: 'Mean',
  params: z.strictObject({
    alpha: z
      .number()
      .positive()
      .max(300)
      .default(2)
      .describe('sharpness α for positives, up to 300')
      .meta({ unit: 'factor' }),
    beta: z
      .number()
      .positive()
      .max(300)
      .default(30)
      .describe('sharpness β for negatives, up to 300')
      .meta({ unit: 'factor' }),
    base: z
      .number()
      .min(-1)
      .max(1)
      .default(1)
      .describe('similarity λ from which pairs are counted, −1 … 1')
      .meta({ unit: 'similarity' }),
  }),
  experiment: {
    miner: { name: 'Angular', params: { angle: 20 } },
    weight: 1,
    batch: 512,
    learningRate: 1,
  },
  create({ alpha, beta, base }) {
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
        // The exponents stay below 600, so that no sum overflows.
        let together = 1;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          if (positive[k] > 0) together += exp(-alpha * (matrix[offset + other[k]] - base));
        }
        let apart = 1;
        for (let i = 0; i < negatives; i++) {
          const at = offset + negative[i];
          const e = exp(beta * (matrix[at] - base));
          coefficients[at] = e;
          apart += e;
        }
        const loss = Math.log(together) / alpha + Math.log(apart) / beta;
        context.tuples[0][a] = 1;
        if (!(loss > low && loss < high)) {
          coefficients.fill(0, offset, offset + rows);
          return;
        }
        context.sum[0][a] = loss;
        context.counted[0][a] = 1;
        for (let i = 0; i < negatives; i++) coefficients[offset + negative[i]] /= apart;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          if (positive[k] === 0) continue;
          coefficients[offset + other[k]] = -exp(-alpha * (matrix[offset + other[k]] - base)) / together;
        }
      },
    };
  },
});
