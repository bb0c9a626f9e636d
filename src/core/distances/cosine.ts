import { z } from 'zod';
import type { DistanceSpec } from './distance.js';

/** s(x, y) = x·y of the normalised embeddings: a similarity, 1 for equal directions. */
export const cosine = {
  kind: 'distance',
  name: 'Cosine',
  summary: 'Dot product of the normalised embeddings, a similarity',
  formula: 's(x, y) = x·y',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, sim_mat',
  params: z.strictObject({}),
  create: () => ({
    name: 'Cosine',
    sign: -1,
    range: [-1, 1],
    difference: false,
    epsilon: 0,
    perValue: false,
    matrix: (batch) => batch.gram(),
    weigh() {},
  }),
} satisfies DistanceSpec;
