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
  const { rows: n, dim } = batch;
  const scratch = batch.scratch(distance);
  const mixed = scratch.float64('mixed', block * (n + 1));
  const columns = scratch.int32('columns', n + 1);
  const skew = scratch.float64('skew', block);
  const sums = scratch.float64('sums', block * dim);
  // A scale of 0 stands for "no such weight": the other one then serves all.
  const scale = scales.negative || scales.positive;
  const factor = (scales.positive || scales.negative) / scale;
  for (let i = from; i < to; i += block) {
    const count = mix(weights, n, i, mixed, columns, skew);
    if (factor !== 1) balance(batch, weights, i, factor, count, columns, mixed, skew);
    product(mixed, columns, count, batch, sums);
    for (let r = 0; r < block && i + r < to; r++) {
      finish(batch, distance, i + r, scale, skew[r], sums, r * dim, gradient);
    }
  }
}

/**
 * Rows i to i + 3 of W + Wᵀ without the columns where all four are 0: `mixed[4c .. 4c + 4]` is column `columns[c]`, c below the number
 * returned. `skew` [4] are the row sums of W − Wᵀ. Rows past the last one repeat it.
 */
function mix(
  weights: Float64Array,
  n: number,
  i: number,
  mixed: Float64Array,
  columns: Int32Array,
  skew: Float64Array,
): number {
  const i1 = Math.min(i + 1, n - 1);
  const i2 = Math.min(i + 2, n - 1);
  const i3 = Math.min(i + 3, n - 1);
  const row0 = i * n;
  const row1 = i1 * n;
  const row2 = i2 * n;
  const row3 = i3 * n;
  let skew0 = 0;
  let skew1 = 0;
  let skew2 = 0;
  let skew3 = 0;
  let count = 0;
  for (let j = 0, column = 0; j < n; j++, column += n) {
    const there0 = weights[row0 + j];
    const there1 = weights[row1 + j];
    const there2 = weights[row2 + j];
    const there3 = weights[row3 + j];
    const back0 = weights[column + i];
    const back1 = weights[column + i1];
    const back2 = weights[column + i2];
    const back3 = weights[column + i3];
    const sum0 = there0 + back0;
    const sum1 = there1 + back1;
    const sum2 = there2 + back2;
    const sum3 = there3 + back3;
    mixed[4 * count] = sum0;
    mixed[4 * count + 1] = sum1;
    mixed[4 * count + 2] = sum2;
    mixed[4 * count + 3] = sum3;
    columns[count] = j;
    if (sum0 !== 0 || sum1 !== 0 || sum2 !== 0 || sum3 !== 0) count++;
    skew0 += there0 - back0;
    skew1 += there1 - back1;
    skew2 += there2 - back2;
    skew3 += there3 - back3;
  }
  skew[0] = skew0;
  skew[1] = skew1;
  skew[2] = skew2;
  skew[3] = skew3;
  return count;
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
    for (let r = 0; r < block; r++) if (classOf[i + r] === own) mixed[block * c + r] *= factor;
  }
  for (let r = 0; r < block && i + r < n; r++) {
    for (let k = pairStart[i + r]; k < pairStart[i + r + 1]; k++) {
      const p = positive[k];
      skew[r] += (factor - 1) * (weights[(i + r) * n + p] - weights[p * n + i + r]);
    }
  }
}

/** `sums` [4, dim] = M·U. */
function product(
  mixed: Float64Array,
  columns: Int32Array,
  count: number,
  { rows, dim, unitT }: EmbeddingBatch,
  sums: Float64Array,
): void {
  let d = 0;
  for (; d + 2 <= dim; d += 2) productOfTwo(mixed, columns, count, unitT, rows, dim, d, d + 1, sums);
  if (d < dim) productOfTwo(mixed, columns, count, unitT, rows, dim, d, d, sums);
}

/** Columns d and e of the product, in one sweep over M. */
function productOfTwo(
  mixed: Float64Array,
  columns: Int32Array,
  count: number,
  unitT: Float64Array,
  n: number,
  dim: number,
  d: number,
  e: number,
  sums: Float64Array,
): void {
  const first = d * n;
  const second = e * n;
  let s00 = 0;
  let s01 = 0;
  let s10 = 0;
  let s11 = 0;
  let s20 = 0;
  let s21 = 0;
  let s30 = 0;
  let s31 = 0;
  for (let c = 0; c < count; c++) {
    const j = columns[c];
    const u = unitT[first + j];
    const v = unitT[second + j];
    const m0 = mixed[4 * c];
    const m1 = mixed[4 * c + 1];
    const m2 = mixed[4 * c + 2];
    const m3 = mixed[4 * c + 3];
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
  sums[e] = s01;
  sums[dim + d] = s10;
  sums[dim + e] = s11;
  sums[2 * dim + d] = s20;
  sums[2 * dim + e] = s21;
  sums[3 * dim + d] = s30;
  sums[3 * dim + e] = s31;
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
