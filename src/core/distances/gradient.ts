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
  const { rows, dim, blocks } = batch;
  // A scale of 0 stands for "no such weight": the other one then serves all.
  const scale = scales.negative || scales.positive;
  const factor = (scales.positive || scales.negative) / scale;
  if (factor !== 1) scalePositives(batch, weights, factor);
  const width = Math.ceil(dim / 4) * 4;
  const arena = batch.scratch(embeddingGradient);
  const sums = arena.matrix('sums', rows, width);
  const skew = distance.epsilon === 0 ? 0 : arena.float64('skew', rows);
  kernels().run(rows, ['gradientRows', sums, skew, weights, blocks, rows, width]);
  for (let i = 0; i < rows; i++) {
    const constant = skew === 0 ? 0 : scale * distance.epsilon * skew[i];
    finish(batch, i, distance.difference ? -scale : scale, constant, sums, i * width, gradient);
  }
}

/** Multiplies the weights between rows of one class. */
function scalePositives({ rows, classes }: EmbeddingBatch, weights: Float64Array, factor: number): void {
  const { pairStart, positive } = classes;
  for (let a = 0; a < rows; a++) {
    for (let k = pairStart[a]; k < pairStart[a + 1]; k++) weights[a * rows + positive[k]] *= factor;
  }
}

/**
 * From Σ M_ij u_j to the gradient of one raw embedding. The part along u_i, ΣM_ij·u_i among it, vanishes on the way back through
 * u = x/‖x‖ and is left out from the start.
 */
function finish(
  { dim, unit, norm }: EmbeddingBatch,
  i: number,
  scale: number,
  constant: number,
  sums: Float64Array,
  offset: number,
  gradient: Float64Array,
): void {
  let along = 0;
  for (let d = 0; d < dim; d++) {
    const g = scale * sums[offset + d] + constant;
    gradient[i * dim + d] = g;
    along += g * unit[i * dim + d];
  }
  for (let d = 0; d < dim; d++) {
    gradient[i * dim + d] = (gradient[i * dim + d] - unit[i * dim + d] * along) / norm[i];
  }
}
