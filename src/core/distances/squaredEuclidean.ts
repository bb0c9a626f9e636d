import { z } from 'zod';
import type { DistanceSpec } from './distance.js';
import { mirror } from './gram.js';
import { forSquaredStrips } from './squares.js';

/** D²(x, y) = ‖x‖² + ‖y‖² − 2x·y, zero on the diagonal. */
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
    matrix: (batch) =>
      batch.matrix('SquaredEuclidean', (matrix) =>
        forSquaredStrips(batch, matrix, (i, height) => mirror(matrix, batch.rows, i, height)),
      ),
    weigh(batch, coefficients, a) {
      const n = batch.rows;
      for (let j = a * n; j < (a + 1) * n; j++) coefficients[j] *= 2;
    },
  }),
} satisfies DistanceSpec;
