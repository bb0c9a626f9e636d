/**
 * The products of an n × n matrix that distances and gradients are made of, float64, two numbers a register. Every sum runs over its
 * terms in ascending order, as a plain loop would: SIMD lanes hold different sums, never parts of one. Addresses are bytes.
 */

/** First address that the host may use. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * out[r][j] = Σ_d u[i + r][d]·u[j][d] for r < 4, j < i + 4; i a multiple of 4. Rows of `out` are `stride` bytes apart. `panels` are the
 * rows u four by four, each four as [dim][4].
 */
export function dotStrip(out: usize, stride: usize, panels: usize, dim: i32, i: i32): void {
  const bytes = <usize>dim << 5;
  const own = panels + (<usize>i >> 2) * bytes;
  const end = own + bytes;
  for (let panel = panels; panel <= own; panel += bytes, out += 32) {
    let a0 = f64x2.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    for (let x = panel, y = own; y < end; x += 32, y += 32) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      let row = v128.load64_splat(y);
      a0 = f64x2.add(a0, f64x2.mul(row, x0));
      a1 = f64x2.add(a1, f64x2.mul(row, x1));
      row = v128.load64_splat(y, 8);
      b0 = f64x2.add(b0, f64x2.mul(row, x0));
      b1 = f64x2.add(b1, f64x2.mul(row, x1));
      row = v128.load64_splat(y, 16);
      c0 = f64x2.add(c0, f64x2.mul(row, x0));
      c1 = f64x2.add(c1, f64x2.mul(row, x1));
      row = v128.load64_splat(y, 24);
      d0 = f64x2.add(d0, f64x2.mul(row, x0));
      d1 = f64x2.add(d1, f64x2.mul(row, x1));
    }
    let o = out;
    v128.store(o, a0);
    v128.store(o, a1, 16);
    o += stride;
    v128.store(o, b0);
    v128.store(o, b1, 16);
    o += stride;
    v128.store(o, c0);
    v128.store(o, c1, 16);
    o += stride;
    v128.store(o, d0);
    v128.store(o, d1, 16);
  }
}

/**
 * Rows i to i + 3 of W + Wᵀ without the columns where all four are 0: mixed[c][4] is column columns[c] (i32), c below the number
 * returned. skew[4] are the row sums of W − Wᵀ. Rows of `weights` are `stride` bytes apart; n columns count.
 */
export function mixRows(
  mixed: usize, columns: usize, skew: usize, weights: usize, stride: usize, n: i32, i: i32,
): i32 {
  const zero = f64x2.splat(0);
  let skew0 = zero;
  let skew1 = zero;
  let count = 0;
  let there = weights + <usize>i * stride;
  let back = weights + (<usize>i << 3);
  for (let j = 0; j < n; j++, there += 8, back += stride) {
    const there0 = v128.load64_lane(there + stride, v128.load64_zero(there), 1);
    const there1 = v128.load64_lane(there + 3 * stride, v128.load64_zero(there + 2 * stride), 1);
    const back0 = v128.load(back);
    const back1 = v128.load(back, 16);
    const sum0 = f64x2.add(there0, back0);
    const sum1 = f64x2.add(there1, back1);
    // Written in any case and kept if it counts: no jump.
    v128.store(mixed + (<usize>count << 5), sum0);
    v128.store(mixed + (<usize>count << 5), sum1, 16);
    store<i32>(columns + (<usize>count << 2), j);
    count += i32(v128.any_true(v128.or(f64x2.ne(sum0, zero), f64x2.ne(sum1, zero))));
    skew0 = f64x2.add(skew0, f64x2.sub(there0, back0));
    skew1 = f64x2.add(skew1, f64x2.sub(there1, back1));
  }
  v128.store(skew, skew0);
  v128.store(skew, skew1, 16);
  return count;
}

/** sums[4][dim] = Σ_c mixed[c][r]·u[columns[c]][dim] over c < count; u row-major, dim a multiple of 4. */
export function mixedProduct(
  sums: usize, mixed: usize, columns: usize, count: i32, unit: usize, dim: i32,
): void {
  const bytes = <usize>dim << 3;
  const end = columns + (<usize>count << 2);
  for (const last = sums + bytes; sums < last; sums += 32, unit += 32) {
    let a0 = f64x2.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    for (let column = columns, m = mixed; column < end; column += 4, m += 32) {
      const u = unit + <usize>load<i32>(column) * bytes;
      const u0 = v128.load(u);
      const u1 = v128.load(u, 16);
      let row = v128.load64_splat(m);
      a0 = f64x2.add(a0, f64x2.mul(row, u0));
      a1 = f64x2.add(a1, f64x2.mul(row, u1));
      row = v128.load64_splat(m, 8);
      b0 = f64x2.add(b0, f64x2.mul(row, u0));
      b1 = f64x2.add(b1, f64x2.mul(row, u1));
      row = v128.load64_splat(m, 16);
      c0 = f64x2.add(c0, f64x2.mul(row, u0));
      c1 = f64x2.add(c1, f64x2.mul(row, u1));
      row = v128.load64_splat(m, 24);
      d0 = f64x2.add(d0, f64x2.mul(row, u0));
      d1 = f64x2.add(d1, f64x2.mul(row, u1));
    }
    let o = sums;
    v128.store(o, a0);
    v128.store(o, a1, 16);
    o += bytes;
    v128.store(o, b0);
    v128.store(o, b1, 16);
    o += bytes;
    v128.store(o, c0);
    v128.store(o, c1, 16);
    o += bytes;
    v128.store(o, d0);
    v128.store(o, d1, 16);
  }
}

/** Below this, ‖x‖² + ‖y‖² − 2x·y has lost digits that the figures need, and the difference is taken. */
const NEAR: f64 = 1e-4;

/**
 * Turns what {@link dotStrip} left into ‖u[i + r] − u[j]‖², never negative and with a relative error below 1e-11; squares[j] = ‖u[j]‖².
 */
export function squareStrip(
  strip: usize, stride: usize, panels: usize, dim: i32, squares: usize, i: i32,
): void {
  const near = f64x2.splat(NEAR);
  const two = f64x2.splat(2);
  const bytes = <usize>dim << 5;
  const own = panels + (<usize>i >> 2) * bytes;
  const mine = squares + (<usize>i << 3);
  for (let panel = panels; panel <= own; panel += bytes, squares += 32, strip += 32) {
    for (let r: usize = 0; r < 4; r++) {
      const square = v128.load64_splat(mine + (r << 3));
      for (let half: usize = 0; half < 32; half += 16) {
        const at = strip + r * stride + half;
        let value = f64x2.sub(f64x2.add(square, v128.load(squares + half)), f64x2.mul(two, v128.load(at)));
        const apart = f64x2.gt(value, near);
        if (!i64x2.all_true(apart)) {
          value = v128.bitselect(value, squareOfDifference(own + (r << 3), panel + half, dim), apart);
        }
        v128.store(at, value);
      }
    }
  }
}

/** ‖y − x‖² of one row y and two rows x, as they lie in panels. */
function squareOfDifference(y: usize, x: usize, dim: i32): v128 {
  let sum = f64x2.splat(0);
  for (const end = x + (<usize>dim << 5); x < end; x += 32, y += 32) {
    const difference = f64x2.sub(v128.load64_splat(y), v128.load(x));
    sum = f64x2.add(sum, f64x2.mul(difference, difference));
  }
  return sum;
}

/**
 * Turns what {@link squareStrip} left, D², into √(D² + (s[i + r] + constant − s[j])), and writes the other way round,
 * √(D² + (s[j] + constant − s[i + r])), to turned[j][r]; s is `shifts`.
 */
export function directedStrip(
  strip: usize, turned: usize, stride: usize, shifts: usize, constant: f64, i: i32,
): void {
  const more = f64x2.splat(constant);
  const mine = shifts + (<usize>i << 3);
  for (const end = strip + ((<usize>i + 4) << 3); strip < end; strip += 16, turned += 64, shifts += 16) {
    const their = v128.load(shifts);
    const theirs = f64x2.add(their, more);
    for (let r: usize = 0; r < 4; r += 2) {
      const at = strip + r * stride;
      const first = v128.load64_splat(mine + (r << 3));
      const second = v128.load64_splat(mine + (r << 3), 8);
      const square0 = v128.load(at);
      const square1 = v128.load(at + stride);
      v128.store(at, root(f64x2.add(square0, f64x2.sub(f64x2.add(first, more), their))));
      v128.store(at + stride, root(f64x2.add(square1, f64x2.sub(f64x2.add(second, more), their))));
      const back0 = root(f64x2.add(square0, f64x2.sub(theirs, first)));
      const back1 = root(f64x2.add(square1, f64x2.sub(theirs, second)));
      v128.store(turned + (r << 3), v128.shuffle<f64>(back0, back1, 0, 2));
      v128.store(turned + (r << 3), v128.shuffle<f64>(back0, back1, 1, 3), 32);
    }
  }
}

/** Rounding may leave a square of nothing below 0. */
// @ts-ignore: decorator
@inline
function root(square: v128): v128 {
  return v128.and(f64x2.sqrt(square), f64x2.gt(square, f64x2.splat(0)));
}
