/**
 * From the weights W [n, n] of all ordered pairs to the gradient of the raw embeddings, eight rows at a time: then a column of eight weights is a
 * whole cache line. Sums run over j in ascending order. What eight rows have beyond the last one is computed from whatever lies there,
 * in lanes of its own, and never looked at.
 *
 * Scratch: the rows of W + Wᵀ [2][n][4], first those of rows i to i + 3, then of i + 4 to i + 7; the columns that are not 0 [n] (i32); skew [8].
 */

/** Bytes of the four weights that rows of a half have in one column. */
const FOUR: usize = 32;

/**
 * gradient[i] = (g − u_i(u_i·g)) / norms[i] with g = scale·Σ_j (W_ij + W_ji)·u_j + shift·Σ_j (W_ij − W_ji) in every dimension, for rows `from` (a
 * multiple of 8) to `to`. `blocks` are the rows u as [width / 4][n][4], `unit` as [n][dim]. `sums` [n][width] are the first sums; they and W have
 * room for seven rows more.
 */
export function gradientRows(
  gradient: usize, sums: usize, weights: usize, blocks: usize, unit: usize, norms: usize, scale: f64, shift: f64,
  n: i32, dim: i32, width: i32, from: i32, to: i32, scratch: usize,
): void {
  const half = <usize>n * FOUR;
  const columns = scratch + 2 * half;
  const skew = columns + (((<usize>n + 1) & ~1) << 2);
  const bytes = <usize>width << 3;
  for (let i = from; i < to; i += 8) {
    const count =
      shift == 0
        ? mixRows(false, skew, scratch, columns, weights, n, i)
        : mixRows(true, skew, scratch, columns, weights, n, i);
    const out = sums + <usize>i * bytes;
    for (let block: usize = 0; block < bytes; block += FOUR) {
      const u = blocks + block * <usize>n;
      mixedProduct(out + block, bytes, scratch, columns, count, u);
      mixedProduct(out + block + 4 * bytes, bytes, scratch + half, columns, count, u);
    }
    for (let r: i32 = 0; r < min(8, to - i); r++) {
      const row = (<usize>(i + r) * <usize>dim) << 3;
      const constant = shift == 0 ? 0 : shift * load<f64>(skew + (<usize>r << 3));
      const norm = load<f64>(norms + (<usize>(i + r) << 3));
      alongSphere(gradient + row, out + <usize>r * bytes, unit + row, dim, scale, constant, norm);
    }
  }
}

/**
 * From Σ M_ij u_j to the gradient of one raw embedding, back through u = x/‖x‖. The part along u_i, ΣM_ij·u_i among it, vanishes on this way and is
 * left out from the start.
 */
// @ts-ignore: decorator
@inline
function alongSphere(
  gradient: usize, sums: usize, unit: usize, dim: i32, scale: f64, constant: f64, norm: f64,
): void {
  const bytes = <usize>dim << 3;
  let along: f64 = 0;
  for (let d: usize = 0; d < bytes; d += 8) {
    const g = scale * load<f64>(sums + d) + constant;
    store<f64>(gradient + d, g);
    along += g * load<f64>(unit + d);
  }
  for (let d: usize = 0; d < bytes; d += 8) {
    store<f64>(gradient + d, (load<f64>(gradient + d) - load<f64>(unit + d) * along) / norm);
  }
}

/**
 * Rows i to i + 7 of W + Wᵀ without the columns where all eight are 0; columns[c] is the number of column c. Returns their number. Where
 * `skewed` (a constant), skew[8] gets the row sums of W − Wᵀ.
 */
// @ts-ignore: decorator
@inline
function mixRows(
  skewed: bool, skew: usize, mixed: usize, columns: usize, weights: usize, n: i32, i: i32,
): i32 {
  const zero = f64x2.splat(0);
  const stride = <usize>n << 3;
  const half = <usize>n * FOUR;
  let skew0 = zero, skew1 = zero, skew2 = zero, skew3 = zero;
  let count = 0;
  let there = weights + <usize>i * stride;
  let back = weights + (<usize>i << 3);
  for (let j = 0; j < n; j++, there += 8, back += stride) {
    const there0 = pair(there, stride);
    const there1 = pair(there + 2 * stride, stride);
    const there2 = pair(there + 4 * stride, stride);
    const there3 = pair(there + 6 * stride, stride);
    const back0 = v128.load(back);
    const back1 = v128.load(back, 16);
    const back2 = v128.load(back, 32);
    const back3 = v128.load(back, 48);
    if (skewed) {
      skew0 = f64x2.add(skew0, f64x2.sub(there0, back0));
      skew1 = f64x2.add(skew1, f64x2.sub(there1, back1));
      skew2 = f64x2.add(skew2, f64x2.sub(there2, back2));
      skew3 = f64x2.add(skew3, f64x2.sub(there3, back3));
    }
    const sum0 = f64x2.add(there0, back0);
    const sum1 = f64x2.add(there1, back1);
    const sum2 = f64x2.add(there2, back2);
    const sum3 = f64x2.add(there3, back3);
    // Written in any case and kept if it counts: no jump.
    const at = mixed + (<usize>count << 5);
    v128.store(at, sum0);
    v128.store(at, sum1, 16);
    v128.store(at + half, sum2);
    v128.store(at + half, sum3, 16);
    store<i32>(columns + (<usize>count << 2), j);
    const some = v128.or(
      v128.or(f64x2.ne(sum0, zero), f64x2.ne(sum1, zero)),
      v128.or(f64x2.ne(sum2, zero), f64x2.ne(sum3, zero)),
    );
    count += i32(v128.any_true(some));
  }
  if (skewed) {
    v128.store(skew, skew0);
    v128.store(skew, skew1, 16);
    v128.store(skew, skew2, 32);
    v128.store(skew, skew3, 48);
  }
  return count;
}

/** Two numbers that lie `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function pair(at: usize, stride: usize): v128 {
  return v128.load64_lane(at + stride, v128.load64_zero(at), 1);
}

/** sums[r][d] = Σ_c mixed[c][r]·u[columns[c]][d] for r, d < 4, over c < count; rows of `sums` are `stride` bytes apart. */
function mixedProduct(sums: usize, stride: usize, mixed: usize, columns: usize, count: i32, u: usize): void {
  let a0 = f64x2.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (const end = columns + (<usize>count << 2); columns < end; columns += 4, mixed += FOUR) {
    const row = u + (<usize>load<i32>(columns) << 5);
    const u0 = v128.load(row);
    const u1 = v128.load(row, 16);
    let weight = v128.load64_splat(mixed);
    a0 = f64x2.add(a0, f64x2.mul(weight, u0));
    a1 = f64x2.add(a1, f64x2.mul(weight, u1));
    weight = v128.load64_splat(mixed, 8);
    b0 = f64x2.add(b0, f64x2.mul(weight, u0));
    b1 = f64x2.add(b1, f64x2.mul(weight, u1));
    weight = v128.load64_splat(mixed, 16);
    c0 = f64x2.add(c0, f64x2.mul(weight, u0));
    c1 = f64x2.add(c1, f64x2.mul(weight, u1));
    weight = v128.load64_splat(mixed, 24);
    d0 = f64x2.add(d0, f64x2.mul(weight, u0));
    d1 = f64x2.add(d1, f64x2.mul(weight, u1));
  }
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
  sums += stride;
  v128.store(sums, b0);
  v128.store(sums, b1, 16);
  sums += stride;
  v128.store(sums, c0);
  v128.store(sums, c1, 16);
  sums += stride;
  v128.store(sums, d0);
  v128.store(sums, d1, 16);
}
