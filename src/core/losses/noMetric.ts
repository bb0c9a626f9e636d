import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { defineLoss } from './loss.js';

/** No metric loss: 0. The paper's strong baseline, pretrained by reconstruction alone. */
export const noMetric = defineLoss({
  name: 'NoMetric',
  summary: 'No metric loss: reconstruction alone, the strong baseline',
  formula: '0',
  source: 'REFERENCE §5 and §7',
  reducer: 'Mean',
  params: z.strictObject({}),
  experiment: { miner: { name: 'None', params: {} }, weight: 0, batch: 512, learningRate: 1 },
  create: () => ({ distance: openDistance('Cosine'), terms: ['loss'], idle: () => true, row() {} }),
});
