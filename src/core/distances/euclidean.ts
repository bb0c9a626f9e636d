import { z } from 'zod';
import { type DistanceSpec, dividedByValue } from './distance.js';

/**
 * D(x, y) = √(‖x‖² + ‖y‖² − 2x·y), zero on the diagonal. The gradient at D = 0 is 0, as the reference's.
 * Equal rows are exactly 0 apart here; in the reference rounding may leave some 1e-8.
 */
export const euclidean = {
  kind: 'distance',
  name: 'Euclidean',
  summary: 'Euclidean distance of the normalised embeddings',
  formula: 'D(x, y) = ‖x − y‖',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, dist_mat',
  params: z.strictObject({}),
  create: () => ({
    name: 'Euclidean',
    sign: 1,
    range: [0, 2],
    difference: true,
    epsilon: 0,
    perValue: true,
    matrix: (batch) =>
      batch.matrix('Euclidean', (matrix) => [
        'euclideanRows',
        ...[matrix, batch.panels, batch.square, batch.rows, batch.dim],
      ]),
    weigh: dividedByValue,
  }),
} satisfies DistanceSpec;
