/**
 * From the weights W [n, n] of all ordered pairs to Σ_j (W_ij + W_ji)·u_j, eight rows i at a time: then a column of eight weights is a whole
 * cache line. Sums run over j in ascending order. What eight rows have beyond the last one is computed from whatever lies there, in
 * lanes of its own, and never looked at.
 *
 * Scratch: the rows of W + Wᵀ [2][n][4], first those of rows i to i + 3, then of i + 4 to i + 7, and the columns that are not 0 [n] (i32).
 */

/** Bytes of the four weights that rows of a half have in one column. */
const FOUR: usize = 32;

/**
 * sums[i][width] for rows `from` (a multiple of 8) to `to`, and skew[i] = Σ_j W_ij − W_ji if `skew` is not 0. `blocks` are the rows u
 * as [width / 4][n][4]. W has room for seven rows more, `sums` and `skew` for seven as well.
 */
export function gradientRows(
  sums: usize, skew: usize, weights: usize, blocks: usize, n: i32, width: i32,
  from: i32, to: i32, scratch: usize,
): void {
  const half = <usize>n * FOUR;
  const columns = scratch + 2 * half;
  const bytes = <usize>width << 3;
  for (let i = from; i < to; i += 8) {
    if (skew != 0) skewRows(skew + (<usize>i << 3), weights, n, i);
    const count = mixRows(scratch, columns, weights, n, i);
    const out = sums + <usize>i * bytes;
    for (let block: usize = 0; block < bytes; block += FOUR) {
      const u = blocks + block * <usize>n;
      mixedProduct(out + block, bytes, scratch, columns, count, u);
      mixedProduct(out + block + 4 * bytes, bytes, scratch + half, columns, count, u);
    }
  }
}

/** Rows i to i + 7 of W + Wᵀ without the columns where all eight are 0; columns[c] is the number of column c. Returns their number. */
function mixRows(mixed: usize, columns: usize, weights: usize, n: i32, i: i32): i32 {
  const zero = f64x2.splat(0);
  const stride = <usize>n << 3;
  const half = <usize>n * FOUR;
  let count = 0;
  let there = weights + <usize>i * stride;
  let back = weights + (<usize>i << 3);
  for (let j = 0; j < n; j++, there += 8, back += stride) {
    const below = there + 4 * stride;
    const sum0 = f64x2.add(pair(there, stride), v128.load(back));
    const sum1 = f64x2.add(pair(there + 2 * stride, stride), v128.load(back, 16));
    const sum2 = f64x2.add(pair(below, stride), v128.load(back, 32));
    const sum3 = f64x2.add(pair(below + 2 * stride, stride), v128.load(back, 48));
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
  return count;
}

/** Two numbers that lie `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function pair(at: usize, stride: usize): v128 {
  return v128.load64_lane(at + stride, v128.load64_zero(at), 1);
}

/** skew[r] = Σ_j W_ij − W_ji for the eight rows i + r. */
function skewRows(skew: usize, weights: usize, n: i32, i: i32): void {
  const stride = <usize>n << 3;
  for (let r: usize = 0; r < 8; r += 2) {
    let there = weights + (<usize>i + r) * stride;
    let back = weights + ((<usize>i + r) << 3);
    let sum = f64x2.splat(0);
    for (let j = 0; j < n; j++, there += 8, back += stride) {
      sum = f64x2.add(sum, f64x2.sub(pair(there, stride), v128.load(back)));
    }
    v128.store(skew + (r << 3), sum);
  }
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
