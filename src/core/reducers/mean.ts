import { z } from 'zod';
import { defineReducer, everything } from './reducer.js';

/** The mean over all tuples (for losses per row: over all rows). */
export const mean = defineReducer({
  name: 'Mean',
  summary: 'Mean over all tuples or rows',
  formula: 'Σ loss / #tuples',
  source: 'pytorch-metric-learning 0.9.88, MeanReducer',
  params: z.strictObject({}),
  create: () => ({ name: 'Mean', ...everything, divisor: ({ tuples }) => tuples }),
});
