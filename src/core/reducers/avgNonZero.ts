import { z } from 'zod';
import { defineReducer } from './reducer.js';

/** The mean over the tuples whose loss is strictly positive. */
export const avgNonZero = defineReducer({
  name: 'AvgNonZero',
  summary: 'Mean over the tuples whose loss is strictly positive',
  formula: 'Σ loss / #(loss > 0)',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, AvgNonZeroReducer',
  params: z.strictObject({}),
  create: () => ({
    name: 'AvgNonZero',
    low: 0,
    high: Number.POSITIVE_INFINITY,
    divisor: ({ counted }) => counted,
  }),
});
