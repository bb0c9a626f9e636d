import type { EmbeddingBatch } from './batch.js';
import type { Distance } from './distance.js';
import { mixKernel, stripRows } from './kernels.js';

/** Factors of the weights between rows of one class, and of all other weights; 0 where there are none. */
export interface GradientScales {
  positive: number;
  negative: number;
}

/**
 * Gradient with respect to the raw embeddings, rows `from` to `to` of `gradient` [n, dim], from the weights
 * ({@link Distance.weigh}) of all ordered pairs. Row i needs row i and column i of the weights only, so that any division of the rows
 * among threads gives the same bits.
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
  from = 0,
  to = batch.rows,
): void {
  const { rows, dim, unit } = batch;
  const { mixed, columns, skew, sums, width, mix, multiply } = mixKernel(weights, unit, rows, dim);
  // A scale of 0 stands for "no such weight": the other one then serves all.
  const scale = scales.negative || scales.positive;
  const factor = (scales.positive || scales.negative) / scale;
  for (let i = from; i < to; i += stripRows) {
    const count = mix(i);
    if (factor !== 1) balance(batch, weights, i, factor, count, columns, mixed, skew);
    multiply(count);
    for (let r = 0; r < stripRows && i + r < to; r++) {
      finish(batch, distance, i + r, scale, skew[r], sums, r * width, gradient);
    }
  }
}

/** Multiplies what is between rows of one class. */
function balance(
  { rows: n, classes: { classOf, pairStart, positive } }: EmbeddingBatch,
  weights: Float64Array,
  i: number,
  factor: number,
  count: number,
  columns: Int32Array,
  mixed: Float64Array,
  skew: Float64Array,
): void {
  for (let c = 0; c < count; c++) {
    const own = classOf[columns[c]];
    for (let r = 0; r < stripRows; r++) if (classOf[i + r] === own) mixed[stripRows * c + r] *= factor;
  }
  for (let r = 0; r < stripRows && i + r < n; r++) {
    for (let k = pairStart[i + r]; k < pairStart[i + r + 1]; k++) {
      const p = positive[k];
      skew[r] += (factor - 1) * (weights[(i + r) * n + p] - weights[p * n + i + r]);
    }
  }
}

/**
 * From Σ M_ij u_j to the gradient of one raw embedding. The part along u_i, ΣM_ij·u_i among it, vanishes on the way back through
 * u = x/‖x‖ and is left out from the start.
 */
function finish(
  batch: EmbeddingBatch,
  distance: Distance,
  i: number,
  scale: number,
  skew: number,
  sums: Float64Array,
  offset: number,
  gradient: Float64Array,
): void {
  const { dim, unit, norm } = batch;
  const sign = distance.difference ? -scale : scale;
  const constant = scale * distance.epsilon * skew;
  let along = 0;
  for (let d = 0; d < dim; d++) {
    const g = sign * sums[offset + d] + constant;
    gradient[i * dim + d] = g;
    along += g * unit[i * dim + d];
  }
  for (let d = 0; d < dim; d++) {
    gradient[i * dim + d] = (gradient[i * dim + d] - unit[i * dim + d] * along) / norm[i];
  }
}
