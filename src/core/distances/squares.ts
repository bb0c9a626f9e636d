import type { EmbeddingBatch } from './batch.js';
import { forStrips, type StripVisitor } from './gram.js';
import { stripKernel } from './kernels.js';

/**
 * ‖u_i − u_j‖², strip by strip: never negative, exactly 0 for equal rows (the diagonal among them), with a relative error below 1e-11
 * also for the nearest pairs.
 */
export function forSquaredStrips(batch: EmbeddingBatch, matrix: Float64Array, visit: StripVisitor): void {
  const strips = stripKernel(batch);
  forStrips(strips, matrix, visit, strips.squares);
}
