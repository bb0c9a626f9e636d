import { z } from 'zod';
import { defineReducer, everything } from './reducer.js';

/** The sum over all tuples. */
export const sum = defineReducer({
  name: 'Sum',
  summary: 'Sum over all tuples or rows',
  formula: 'Σ loss',
  source: 'pytorch-metric-learning 2.x, SumReducer',
  params: z.strictObject({}),
  create: () => ({ name: 'Sum', ...everything, divisor: () => 1 }),
});
