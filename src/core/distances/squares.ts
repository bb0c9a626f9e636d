import type { EmbeddingBatch } from './batch.js';
import { forStrips, type StripVisitor } from './gram.js';

/** Below this, ‖x‖² + ‖y‖² − 2x·y has lost digits that the figures need, and the difference is taken. */
const near = 1e-4;

/**
 * ‖u_i − u_j‖² in place of dot products, strip by strip: never negative, exactly 0 for equal rows (the diagonal among them), with a
 * relative error below 1e-11 also for the nearest pairs.
 */
export function forSquaredStrips(batch: EmbeddingBatch, matrix: Float64Array, visit: StripVisitor): void {
  const { rows: n, square } = batch;
  forStrips(batch, matrix, (i, height) => {
    for (let row = i; row < i + height; row++) {
      const own = square[row];
      for (let j = 0, at = row * n; j < i + height; j++, at++) {
        const expanded = own + square[j] - 2 * matrix[at];
        matrix[at] = expanded > near ? expanded : squareOfDifference(batch, row, j);
      }
    }
    visit(i, height);
  });
}

function squareOfDifference({ unit, dim }: EmbeddingBatch, i: number, j: number): number {
  let square = 0;
  for (let x = i * dim, y = j * dim; x < (i + 1) * dim; x++, y++) {
    const difference = unit[x] - unit[y];
    square += difference * difference;
  }
  return square;
}
