import type { EmbeddingBatch } from './batch.js';

/** Below this, ‖x‖² + ‖y‖² − 2x·y has lost digits that the figures need, and the difference is taken. */
const near = 1e-4;

/**
 * ‖u_i − u_j‖² from a dot product, never negative, exactly 0 for equal rows, symmetric to the bit, with a relative error below
 * 1e-11 also for the nearest pairs.
 */
export function squaredDistance(batch: EmbeddingBatch, dot: number, i: number, j: number): number {
  const expanded = batch.square[i] + batch.square[j] - 2 * dot;
  return expanded > near ? expanded : squareOfDifference(batch, i, j);
}

function squareOfDifference(batch: EmbeddingBatch, i: number, j: number): number {
  const { unit, dim } = batch;
  let square = 0;
  for (let d = 0; d < dim; d++) {
    const difference = unit[i * dim + d] - unit[j * dim + d];
    square += difference * difference;
  }
  return square;
}
