import { z } from 'zod';
import type { DistanceSpec } from './distance.js';

/** D²(x, y) = ‖x‖² + ‖y‖² − 2x·y, never negative, exactly 0 for equal rows, with a relative error below 1e-11 also for the nearest pairs. */
export const squaredEuclidean = {
  kind: 'distance',
  name: 'SquaredEuclidean',
  summary: 'Squared Euclidean distance of the normalised embeddings',
  formula: 'D²(x, y) = ‖x − y‖²',
  source: 'pytorch-metric-learning 0.9.88, dist_mat(squared=True)',
  params: z.strictObject({}),
  create: () => ({
    name: 'SquaredEuclidean',
    sign: 1,
    range: [0, 4],
    difference: true,
    epsilon: 0,
    perValue: false,
    matrix: (batch) =>
      batch.matrix('SquaredEuclidean', (matrix) => [
        'squareRows',
        ...[matrix, batch.panels, batch.square, batch.rows, batch.dim],
      ]),
    weigh(batch, coefficients, a) {
      const n = batch.rows;
      for (let j = a * n; j < (a + 1) * n; j++) coefficients[j] *= 2;
    },
  }),
} satisfies DistanceSpec;
