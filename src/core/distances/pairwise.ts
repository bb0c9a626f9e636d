import { z } from 'zod';
import type { Distance, DistanceSpec } from './distance.js';
import { forSquaredStrips } from './squares.js';

/** What PyTorch's `pairwise_distance` adds to every coordinate of the difference. */
const epsilon = 1e-6;

/**
 * pd(x, y) = ‖x − y + 1e-6‖ as PyTorch's `pairwise_distance` has it, for every ordered pair (it is not symmetric: turned round it
 * is ‖y − x + 1e-6‖ = ‖x − y − 1e-6‖). From dot products: pd² = D² + 2ε(Σx − Σy) + dim·ε².
 */
export const pairwise = {
  name: 'Pairwise',
  summary: "Euclidean distance with PyTorch's 1e-6 added to every coordinate of the difference",
  formula: 'pd(x, y) = ‖x − y + 1e-6‖',
  source: 'REFERENCE §5; torch.nn.functional.pairwise_distance',
  params: z.strictObject({}),
  create: () => directed('Pairwise', epsilon),
} satisfies DistanceSpec;

/** pd with its arguments exchanged, as MarginLoss calls it: value (a, x) is ‖x − a + 1e-6‖. */
export const pairwiseToAnchor = (): Distance => directed('PairwiseToAnchor', -epsilon);

const directed = (name: string, shift: number): Distance => ({
  name,
  sign: 1,
  range: [0, 2],
  difference: true,
  epsilon: shift,
  matrix: (batch) =>
    batch.matrix(name, (matrix) => {
      const { rows: n, sum } = batch;
      const constant = batch.dim * shift * shift;
      const own = batch.scratch(pairwise).float64('own', n);
      for (let i = 0; i < n; i++) own[i] = 2 * shift * sum[i];
      forSquaredStrips(batch, matrix, (i, height) => {
        // The other way round first, while the squares are there.
        for (let j = 0; j < i; j++) {
          const theirs = own[j] + constant;
          for (let row = i; row < i + height; row++) {
            matrix[j * n + row] = root(matrix[row * n + j] + (theirs - own[row]));
          }
        }
        for (let row = i; row < i + height; row++) {
          const mine = own[row] + constant;
          for (let j = 0, at = row * n; j < i + height; j++, at++)
            matrix[at] = root(matrix[at] + (mine - own[j]));
        }
      });
    }),
  weigh(batch, coefficients, a) {
    const matrix = this.matrix(batch);
    const n = batch.rows;
    for (let j = a * n; j < (a + 1) * n; j++) {
      coefficients[j] = matrix[j] === 0 ? 0 : coefficients[j] / matrix[j];
    }
  },
});

/** Rounding may leave a square of nothing below 0. */
const root = (square: number) => (square > 0 ? Math.sqrt(square) : 0);
