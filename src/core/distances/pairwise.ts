import { z } from 'zod';
import { type Distance, type DistanceSpec, dividedByValue } from './distance.js';

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
  perValue: true,
  matrix(batch) {
    return batch.matrix(name, (matrix) => {
      const { rows, dim, sum, panels, square } = batch;
      const shifts = batch.scratch(this).float64('shifts', rows);
      for (let i = 0; i < rows; i++) shifts[i] = 2 * shift * sum[i];
      return ['directedRows', matrix, panels, square, shifts, dim * shift * shift, rows, dim];
    });
  },
  weigh: dividedByValue,
});
