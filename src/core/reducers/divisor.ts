import { z } from 'zod';
import { defineReducer, everything } from './reducer.js';

/** The sum over all tuples divided by a number that the loss names; the mean where it names none. */
export const divisor = defineReducer({
  name: 'Divisor',
  summary: 'Sum over all tuples, divided by a number that the loss names (Margin: its active pairs)',
  formula: 'Σ loss / divisor of the loss, or / #tuples where it has none',
  source: 'REFERENCE §5, Margin; pytorch-metric-learning 0.9.88, DivisorReducer',
  params: z.strictObject({}),
  create: () => ({ name: 'Divisor', ...everything, divisor: (counts) => counts.divisor ?? counts.tuples }),
});
