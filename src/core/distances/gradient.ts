import type { EmbeddingBatch } from './batch.js';
import type { Distance } from './distance.js';

/** Rows that one sweep over the matrices serves. */
const block = 4;

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
 * With M = W + Wᵀ: ∂L/∂u_i = ΣM_ij·u_i − Σ M_ij u_j + ε(ΣW_ij − ΣW_ji) for differences, Σ M_ij u_j otherwise; then back through
 * u = x/‖x‖: ∂L/∂x = (g − u(u·g))/‖x‖.
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
  const { rows: n, dim } = batch;
  const scratch = batch.scratch(distance);
  // The four rows of M side by side: entry (r, j) at 4j + r.
  const mixed = scratch.float64('mixed', block * n);
  const total = scratch.float64('total', block);
  const skew = scratch.float64('skew', block);
  const sums = scratch.float64('sums', block * dim);
  // A scale of 0 stands for "no such weight": the other one then serves all.
  const scale = scales.negative || scales.positive;
  const factor = (scales.positive || scales.negative) / scale;
  for (let i = from; i < to; i += block) {
    const height = Math.min(block, to - i);
    mix(weights, n, i, height, mixed, skew);
    if (factor !== 1) balance(batch, i, height, factor, mixed);
    product(mixed, batch.unitT, n, dim, sums, total);
    for (let r = 0; r < height; r++) {
      finish(batch, distance, i + r, scale, total[r], skew[r], sums, r * dim, gradient);
    }
  }
}

/** Four rows of W + Wᵀ, and the row sums of W − Wᵀ; rows beyond `height` are 0. */
function mix(
  weights: Float64Array,
  n: number,
  i: number,
  height: number,
  mixed: Float64Array,
  skew: Float64Array,
): void {
  for (let r = 0; r < block; r++) {
    let difference = 0;
    if (r >= height) {
      for (let j = 0; j < n; j++) mixed[block * j + r] = 0;
    } else {
      const row = (i + r) * n;
      for (let j = 0, column = i + r; j < n; j++, column += n) {
        const there = weights[row + j];
        const back = weights[column];
        mixed[block * j + r] = there + back;
        difference += there - back;
      }
      mixed[block * (i + r) + r] = 0;
    }
    skew[r] = difference;
  }
}

/** Multiplies the entries between rows of one class. */
function balance(
  batch: EmbeddingBatch,
  i: number,
  height: number,
  factor: number,
  mixed: Float64Array,
): void {
  const { pairStart, positive } = batch.classes;
  for (let r = 0; r < height; r++) {
    for (let k = pairStart[i + r]; k < pairStart[i + r + 1]; k++) mixed[block * positive[k] + r] *= factor;
  }
}

/** `sums` [4, dim] = M·U and `total` [4] = M·1. */
function product(
  mixed: Float64Array,
  unitT: Float64Array,
  n: number,
  dim: number,
  sums: Float64Array,
  total: Float64Array,
): void {
  let t0 = 0;
  let t1 = 0;
  let t2 = 0;
  let t3 = 0;
  for (let j = 0; j < block * n; j += block) {
    t0 += mixed[j];
    t1 += mixed[j + 1];
    t2 += mixed[j + 2];
    t3 += mixed[j + 3];
  }
  total[0] = t0;
  total[1] = t1;
  total[2] = t2;
  total[3] = t3;
  for (let d = 0; d < dim; d += 2) {
    const x = d * n;
    // An odd last column is computed twice and stored once.
    const y = d + 1 < dim ? x + n : x;
    let s00 = 0;
    let s01 = 0;
    let s10 = 0;
    let s11 = 0;
    let s20 = 0;
    let s21 = 0;
    let s30 = 0;
    let s31 = 0;
    for (let j = 0; j < n; j++) {
      const u = unitT[x + j];
      const v = unitT[y + j];
      const m0 = mixed[4 * j];
      const m1 = mixed[4 * j + 1];
      const m2 = mixed[4 * j + 2];
      const m3 = mixed[4 * j + 3];
      s00 += m0 * u;
      s01 += m0 * v;
      s10 += m1 * u;
      s11 += m1 * v;
      s20 += m2 * u;
      s21 += m2 * v;
      s30 += m3 * u;
      s31 += m3 * v;
    }
    sums[d] = s00;
    sums[dim + d] = s10;
    sums[2 * dim + d] = s20;
    sums[3 * dim + d] = s30;
    if (d + 1 < dim) {
      sums[d + 1] = s01;
      sums[dim + d + 1] = s11;
      sums[2 * dim + d + 1] = s21;
      sums[3 * dim + d + 1] = s31;
    }
  }
}

/** From Σ M u to the gradient of one raw embedding. */
function finish(
  batch: EmbeddingBatch,
  distance: Distance,
  i: number,
  scale: number,
  total: number,
  skew: number,
  sums: Float64Array,
  offset: number,
  gradient: Float64Array,
): void {
  const { dim, unit } = batch;
  const constant = distance.epsilon * skew;
  let along = 0;
  for (let d = 0; d < dim; d++) {
    const u = unit[i * dim + d];
    const sum = sums[offset + d];
    const g = scale * (distance.difference ? total * u - sum + constant : sum);
    gradient[i * dim + d] = g;
    along += g * u;
  }
  // A norm below 1e-12 was replaced by the constant: nothing to project out.
  if (batch.norm[i] <= 1e-12) along = 0;
  for (let d = 0; d < dim; d++) {
    gradient[i * dim + d] = (gradient[i * dim + d] - unit[i * dim + d] * along) / batch.norm[i];
  }
}
