import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { atMostOne } from './idle.js';
import { defineLoss } from './loss.js';
import { finishRows, softMaxima } from './softMaxima.js';

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
      .describe('sharpness α for positives')
      .meta({ unit: 'factor' }),
    beta: z
      .number()
      .positive()
      .max(300)
      .default(30)
      .describe('sharpness β for negatives')
      .meta({ unit: 'factor' }),
    base: z
      .number()
      .min(-1)
      .max(1)
      .default(1)
      .describe('similarity λ from which pairs are counted')
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
      // Exponents stay within ±600.
      kernels: (context) =>
        softMaxima(context, { start: 1, pull: -alpha, near: base, push: beta, far: base }),
      finish: (context) =>
        finishRows(context, (together, apart) => Math.log(together) / alpha + Math.log(apart) / beta),
    };
  },
});
