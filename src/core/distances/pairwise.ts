import { z } from 'zod';
import type { Distance, DistanceSpec } from './distance.js';
import { forStrips } from './gram.js';
import { stripKernel, stripRows } from './kernels.js';

/** What PyTorch's `pairwise_distance` adds to every coordinate of the difference. */
const epsilon = 1e-6;

/**
 * pd(x, y) = ‖x − y + 1e-6‖ as PyTorch's `pairwise_distance` has it, for every ordered pair (it is not symmetric: turned round it
 * is ‖y − x + 1e-6‖ = ‖x − y − 1e-6‖). From dot products: pd² = D² + 2ε(Σx − Σy) + dim·ε².
 */
export const pairwise = {
  kind: 'distance',
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
      const strips = stripKernel(batch);
      const { shifts, turned, squares, direct } = strips;
      for (let i = 0; i < n; i++) shifts[i] = 2 * shift * sum[i];
      const constant = batch.dim * shift * shift;
      forStrips(
        strips,
        matrix,
        (i, height) => {
          for (let j = 0; j < i; j++) {
            for (let r = 0; r < height; r++) matrix[j * n + i + r] = turned[j * stripRows + r];
          }
        },
        (i) => {
          squares(i);
          direct(i, constant);
        },
      );
    }),
  weigh(batch, coefficients, a) {
    const matrix = this.matrix(batch);
    const n = batch.rows;
    for (let j = a * n; j < (a + 1) * n; j++) {
      coefficients[j] = matrix[j] === 0 ? 0 : coefficients[j] / matrix[j];
    }
  },
});
