import { kernels } from '../kernels/kernels.js';
import type { EmbeddingBatch } from './batch.js';
import type { Distance } from './distance.js';

/** Factors of the weights between rows of one class, and of all other weights; 0 where there are none. */
export interface GradientScales {
  positive: number;
  negative: number;
}

/**
 * Gradient with respect to the raw embeddings, [n, dim], from the weights ({@link Distance.weigh}) of all ordered pairs. What the scales make
 * of the weights is left in `weights`, which must come from a batch's arena.
 *
 * With M = W + Wᵀ: g = ∂L/∂u_i = ΣM_ij·u_i − Σ M_ij u_j + ε(ΣW_ij − ΣW_ji) for differences, Σ M_ij u_j otherwise; then back through
 * u = x/‖x‖: ∂L/∂x = (g − u(u·g))/‖x‖. (Where 0 < ‖x‖ < 1e-12 PyTorch leaves the projection out; such rows have no direction to speak of.)
 */
export function embeddingGradient(
  batch: EmbeddingBatch,
  distance: Distance,
  weights: Float64Array,
  scales: GradientScales,
  gradient: Float64Array,
): void {
  const { rows, dim, unit, blocks, norm } = batch;
  // A scale of 0 stands for "no such weight": the other one then serves all.
  const scale = scales.negative || scales.positive;
  const factor = (scales.positive || scales.negative) / scale;
  if (factor !== 1) scalePositives(batch, weights, factor);
  const sign = distance.difference ? -scale : scale;
  const width = Math.ceil(dim / 4) * 4;
  const arena = batch.scratch(embeddingGradient);
  const result = arena.matrix('gradient', rows, dim);
  const sums = arena.matrix('sums', rows, width);
  kernels().run(rows, [
    'gradientRows',
    ...[result, sums, weights, blocks, unit, norm, sign, scale * distance.epsilon, rows, dim, width],
  ]);
  gradient.set(result.subarray(0, rows * dim));
}

/** Multiplies the weights between rows of one class. */
function scalePositives({ rows, classes }: EmbeddingBatch, weights: Float64Array, factor: number): void {
  const { pairStart, positive } = classes;
  for (let a = 0; a < rows; a++) {
    for (let k = pairStart[a]; k < pairStart[a + 1]; k++) weights[a * rows + positive[k]] *= factor;
  }
}
