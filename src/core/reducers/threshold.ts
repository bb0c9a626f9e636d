import { z } from 'zod';
import { defineReducer } from './reducer.js';

/** The mean over the tuples whose loss lies strictly between two bounds. */
export const threshold = defineReducer({
  name: 'Threshold',
  summary: 'Mean over the tuples whose loss lies between two bounds',
  formula: 'Σ loss / #tuples, over low < loss < high',
  source: 'pytorch-metric-learning 2.x, ThresholdReducer (0.9.88: lower bound only)',
  params: z.strictObject({
    low: z.number().min(0).default(0).describe('losses up to this are left out').meta({ unit: 'loss' }),
    high: z
      .number()
      .positive()
      .default(Number.MAX_VALUE)
      .describe('losses from this on are left out')
      .meta({ unit: 'loss' }),
  }),
  create: ({ low, high }) => ({ name: 'Threshold', low, high, divisor: ({ counted }) => counted }),
});
