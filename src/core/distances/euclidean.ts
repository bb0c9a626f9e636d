import { z } from 'zod';
import type { DistanceSpec } from './distance.js';
import { mirror } from './gram.js';
import { forSquaredStrips } from './squares.js';

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
    matrix: (batch) =>
      batch.matrix('Euclidean', (matrix) => {
        const n = batch.rows;
        forSquaredStrips(batch, matrix, (i, height) => {
          for (let row = i * n; row < (i + height) * n; row += n) {
            for (let at = row; at < row + i + height; at++) matrix[at] = Math.sqrt(matrix[at]);
          }
          mirror(matrix, n, i, height);
        });
      }),
    weigh(batch, coefficients, a) {
      const matrix = this.matrix(batch);
      const n = batch.rows;
      for (let j = a * n; j < (a + 1) * n; j++) {
        coefficients[j] = matrix[j] === 0 ? 0 : coefficients[j] / matrix[j];
      }
    },
  }),
} satisfies DistanceSpec;
