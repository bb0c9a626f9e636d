import type { EmbeddingBatch } from './batch.js';

/** Below this, ‖x‖² + ‖y‖² − 2x·y has lost digits that the figures need, and the difference is taken. */
const near = 1e-4;

/**
 * ‖u_i − u_j‖² for all j into row i of `squares` [n, n]: from dot products, never negative, exactly 0 for equal rows, symmetric to the
 * bit, with a relative error below 1e-11 also for the nearest pairs.
 */
export function squaredDistances(batch: EmbeddingBatch, i: number, squares: Float64Array): void {
  const { rows: n, square } = batch;
  const gram = batch.gram();
  const own = square[i];
  for (let j = 0, at = i * n; j < n; j++, at++) {
    const expanded = own + square[j] - 2 * gram[at];
    squares[at] = expanded > near ? expanded : squareOfDifference(batch, i, j);
  }
}

function squareOfDifference(batch: EmbeddingBatch, i: number, j: number): number {
  const { unit, dim } = batch;
  let square = 0;
  for (let x = i * dim, y = j * dim; x < (i + 1) * dim; x++, y++) {
    const difference = unit[x] - unit[y];
    square += difference * difference;
  }
  return square;
}
