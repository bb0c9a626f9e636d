import { z } from 'zod';
import { defineMiner, type Miner } from './miner.js';
import { AllTuples } from './pairs.js';

/** No mining: pair losses see every pair once, triplet losses every triplet. */
export const none = defineMiner({
  name: 'None',
  summary: 'No mining: every pair once, or every triplet',
  formula: 'all pairs (a, x), a ≠ x; all triplets with label(a) = label(p) ≠ label(n), a ≠ p',
  source: 'pytorch-metric-learning 0.9.88, a loss called without indices',
  params: z.strictObject({}),
  create(): Miner {
    return {
      mine(batch) {
        return new AllTuples(batch.classes, batch.scratch(this));
      },
    };
  },
});
