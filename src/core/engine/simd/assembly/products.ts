/**
 * Matrix products between weights and rows of lanes. A 4×2-register tile is summed in registers (8 of the 16 that every
 * processor has); there is no further unrolling, since V8 would spill.
 *
 * Weights [rows][cols] are *packed* for them, once an update: for each four output rows, four biases and then `cols`
 * quadruples, the four rows' weights of one column; rows are padded with zeros to a multiple of 4.
 */
import { HALF, ROW, roundUp4, storeTransposed, sums } from './lanes';
import { mulAdd } from './mulAdd';

/** Bytes of packed weights [rows][cols]. */
export function packedBytes(rows: i32, cols: i32): usize {
  return <usize>(roundUp4(rows) * (cols + 1)) << 2;
}

/** Pack weights w[rows][cols], cols a multiple of 4, and their biases (0 = none). */
export function pack(out: usize, w: usize, rows: i32, cols: i32, bias: usize): void {
  const rowBytes = <usize>cols << 2;
  for (let first = 0; first < rows; first += 4, w += 4 * rowBytes) {
    const count = min(rows - first, 4);
    memory.fill(out, 0, 16);
    if (bias) memory.copy(out, bias + (<usize>first << 2), <usize>count << 2);
    out += 16;
    for (let c: usize = 0; c < rowBytes; c += 16, out += 64) {
      const zeros = f32x4.splat(0);
      const a = v128.load(w + c);
      const b = count > 1 ? v128.load(w + rowBytes + c) : zeros;
      const d = count > 2 ? v128.load(w + 2 * rowBytes + c) : zeros;
      const e = count > 3 ? v128.load(w + 3 * rowBytes + c) : zeros;
      storeTransposed(out, 16, a, b, d, e);
    }
  }
}

/** Pack the transpose [cols][rows] of weights w[rows][cols], cols a multiple of 4, without biases. */
export function packTransposed(out: usize, w: usize, rows: i32, cols: i32): void {
  const rowBytes = <usize>cols << 2;
  for (let c: usize = 0; c < rowBytes; c += 16) {
    v128.store(out, f32x4.splat(0));
    out += 16;
    for (let r = 0; r < rows; r++, out += 16) v128.store(out, v128.load(w + <usize>r * rowBytes + c));
  }
}

/** out[i][r] = bias[r] + Σ_c W[r][c]·x[i][c] for plain row-major x [count][cols] and out [count][rows]; rows a multiple of 4. */
export function productRows(out: usize, packed: usize, x: usize, count: i32, rows: i32, cols: i32): void {
  const block = <usize>(cols + 1) << 4;
  for (let i = 0; i < count; i++, x += <usize>cols << 2) {
    for (let r = 0, w = packed; r < rows; r += 4, w += block, out += 16) {
      let sum = v128.load(w);
      for (let c: usize = 0; c < <usize>cols; c++) {
        sum = mulAdd(v128.load(w + (c << 4), 16), v128.load32_splat(x + (c << 2)), sum);
      }
      v128.store(out, sum);
    }
  }
}

/** out[r][lane] = bias[r] + Σ_c W[r][c]·x[c][lane]; `rows` output rows, a multiple of 4 (padded ones get 0). */
export function product(out: usize, packed: usize, x: usize, rows: i32, cols: i32): void {
  const stop = x + <usize>cols * ROW;
  for (const end = out + <usize>rows * ROW; out < end; out += 4 * ROW) {
    let a0 = v128.load32_splat(packed, 0);
    let a1 = v128.load32_splat(packed, 4);
    let a2 = v128.load32_splat(packed, 8);
    let a3 = v128.load32_splat(packed, 12);
    let b0 = a0;
    let b1 = a1;
    let b2 = a2;
    let b3 = a3;
    packed += 16;
    for (let p = x; p < stop; p += ROW) {
      const u = v128.load(p);
      const v = v128.load(p, HALF);
      const w0 = v128.load32_splat(packed, 0);
      a0 = mulAdd(w0, u, a0);
      b0 = mulAdd(w0, v, b0);
      const w1 = v128.load32_splat(packed, 4);
      a1 = mulAdd(w1, u, a1);
      b1 = mulAdd(w1, v, b1);
      const w2 = v128.load32_splat(packed, 8);
      a2 = mulAdd(w2, u, a2);
      b2 = mulAdd(w2, v, b2);
      const w3 = v128.load32_splat(packed, 12);
      a3 = mulAdd(w3, u, a3);
      b3 = mulAdd(w3, v, b3);
      packed += 16;
    }
    v128.store(out, a0, 0 * ROW);
    v128.store(out, b0, 0 * ROW + HALF);
    v128.store(out, a1, 1 * ROW);
    v128.store(out, b1, 1 * ROW + HALF);
    v128.store(out, a2, 2 * ROW);
    v128.store(out, b2, 2 * ROW + HALF);
    v128.store(out, a3, 3 * ROW);
    v128.store(out, b3, 3 * ROW + HALF);
  }
}

/** out[r][lane] += Σ_c W[r][c]·x[c][lane]; the packed biases are not added. */
export function addProduct(out: usize, packed: usize, x: usize, rows: i32, cols: i32): void {
  const stop = x + <usize>cols * ROW;
  for (const end = out + <usize>rows * ROW; out < end; out += 4 * ROW) {
    let a0 = v128.load(out, 0 * ROW);
    let b0 = v128.load(out, 0 * ROW + HALF);
    let a1 = v128.load(out, 1 * ROW);
    let b1 = v128.load(out, 1 * ROW + HALF);
    let a2 = v128.load(out, 2 * ROW);
    let b2 = v128.load(out, 2 * ROW + HALF);
    let a3 = v128.load(out, 3 * ROW);
    let b3 = v128.load(out, 3 * ROW + HALF);
    packed += 16;
    for (let p = x; p < stop; p += ROW) {
      const u = v128.load(p);
      const v = v128.load(p, HALF);
      const w0 = v128.load32_splat(packed, 0);
      a0 = mulAdd(w0, u, a0);
      b0 = mulAdd(w0, v, b0);
      const w1 = v128.load32_splat(packed, 4);
      a1 = mulAdd(w1, u, a1);
      b1 = mulAdd(w1, v, b1);
      const w2 = v128.load32_splat(packed, 8);
      a2 = mulAdd(w2, u, a2);
      b2 = mulAdd(w2, v, b2);
      const w3 = v128.load32_splat(packed, 12);
      a3 = mulAdd(w3, u, a3);
      b3 = mulAdd(w3, v, b3);
      packed += 16;
    }
    v128.store(out, a0, 0 * ROW);
    v128.store(out, b0, 0 * ROW + HALF);
    v128.store(out, a1, 1 * ROW);
    v128.store(out, b1, 1 * ROW + HALF);
    v128.store(out, a2, 2 * ROW);
    v128.store(out, b2, 2 * ROW + HALF);
    v128.store(out, a3, 3 * ROW);
    v128.store(out, b3, 3 * ROW + HALF);
  }
}

/**
 * The weight gradient of a product: gradient[r][c] += Σ_step Σ_lane d[step][r][lane]·x[step][c][lane].
 * `rows` is rounded up to a multiple of 2, `cols` is a multiple of 4; the strides are bytes between steps.
 */
export function addOuter(
  gradient: usize,
  d: usize,
  dStride: usize,
  x: usize,
  xStride: usize,
  steps: i32,
  rows: i32,
  cols: i32,
): void {
  const rowBytes = <usize>cols << 2;
  for (let r = 0; r < rows; r += 2) {
    for (let c = 0; c < cols; c += 4) {
      let a0 = f32x4.splat(0);
      let a1 = a0;
      let a2 = a0;
      let a3 = a0;
      let b0 = a0;
      let b1 = a0;
      let b2 = a0;
      let b3 = a0;
      for (let half: usize = 0; half < ROW; half += HALF) {
        let p = d + half + <usize>r * ROW;
        let q = x + half + <usize>c * ROW;
        for (let step = 0; step < steps; step++) {
          const u = v128.load(p);
          const v = v128.load(p, ROW);
          const x0 = v128.load(q, 0 * ROW);
          a0 = mulAdd(u, x0, a0);
          b0 = mulAdd(v, x0, b0);
          const x1 = v128.load(q, 1 * ROW);
          a1 = mulAdd(u, x1, a1);
          b1 = mulAdd(v, x1, b1);
          const x2 = v128.load(q, 2 * ROW);
          a2 = mulAdd(u, x2, a2);
          b2 = mulAdd(v, x2, b2);
          const x3 = v128.load(q, 3 * ROW);
          a3 = mulAdd(u, x3, a3);
          b3 = mulAdd(v, x3, b3);
          p += dStride;
          q += xStride;
        }
      }
      const at = gradient + <usize>r * rowBytes + (<usize>c << 2);
      v128.store(at, f32x4.add(v128.load(at), sums(a0, a1, a2, a3)));
      v128.store(at + rowBytes, f32x4.add(v128.load(at + rowBytes), sums(b0, b1, b2, b3)));
    }
  }
}

/** The bias gradient: gradient[r] += Σ_step Σ_lane d[step][r][lane]; `rows` is a multiple of 4. */
export function addSums(gradient: usize, d: usize, dStride: usize, steps: i32, rows: i32): void {
  for (let r = 0; r < rows; r += 4) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let p = d + <usize>r * ROW;
    for (let step = 0; step < steps; step++) {
      a0 = f32x4.add(a0, f32x4.add(v128.load(p, 0 * ROW), v128.load(p, 0 * ROW + HALF)));
      a1 = f32x4.add(a1, f32x4.add(v128.load(p, 1 * ROW), v128.load(p, 1 * ROW + HALF)));
      a2 = f32x4.add(a2, f32x4.add(v128.load(p, 2 * ROW), v128.load(p, 2 * ROW + HALF)));
      a3 = f32x4.add(a3, f32x4.add(v128.load(p, 3 * ROW), v128.load(p, 3 * ROW + HALF)));
      p += dStride;
    }
    const at = gradient + (<usize>r << 2);
    v128.store(at, f32x4.add(v128.load(at), sums(a0, a1, a2, a3)));
  }
}

/**
 * A matrix product in each lane: out[i][j] = Σ_k a[i][k]·b[k][j] (added to what is there if `add`), for i < rows, rounded up to a
 * multiple of 2, j < cols, a multiple of 4, k < depth. Elements are rows of lanes: out[i][j] at out + i·outRow + j·ROW, a[i][k] at
 * a + i·aRow + k·aStep, b[k][j] at b + k·bStep + j·ROW.
 */
export function laneProduct(
  out: usize, outRow: usize, a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize,
  rows: i32, cols: i32, depth: i32, add: bool,
): void {
  for (let half: usize = 0; half < ROW; half += HALF) {
    for (let i = 0; i < rows; i += 2) {
      for (let j: usize = 0; j < <usize>cols * ROW; j += 4 * ROW) {
        const o = out + half + <usize>i * outRow + j;
        let a0 = f32x4.splat(0);
        let a1 = a0;
        let a2 = a0;
        let a3 = a0;
        let b0 = a0;
        let b1 = a0;
        let b2 = a0;
        let b3 = a0;
        if (add) {
          a0 = v128.load(o, 0 * ROW);
          a1 = v128.load(o, 1 * ROW);
          a2 = v128.load(o, 2 * ROW);
          a3 = v128.load(o, 3 * ROW);
          b0 = v128.load(o + outRow, 0 * ROW);
          b1 = v128.load(o + outRow, 1 * ROW);
          b2 = v128.load(o + outRow, 2 * ROW);
          b3 = v128.load(o + outRow, 3 * ROW);
        }
        let p = a + half + <usize>i * aRow;
        let r = p + aRow;
        let q = b + half + j;
        for (let k = 0; k < depth; k++) {
          const u = v128.load(p);
          const v = v128.load(r);
          const x0 = v128.load(q, 0 * ROW);
          a0 = mulAdd(u, x0, a0);
          b0 = mulAdd(v, x0, b0);
          const x1 = v128.load(q, 1 * ROW);
          a1 = mulAdd(u, x1, a1);
          b1 = mulAdd(v, x1, b1);
          const x2 = v128.load(q, 2 * ROW);
          a2 = mulAdd(u, x2, a2);
          b2 = mulAdd(v, x2, b2);
          const x3 = v128.load(q, 3 * ROW);
          a3 = mulAdd(u, x3, a3);
          b3 = mulAdd(v, x3, b3);
          p += aStep;
          r += aStep;
          q += bStep;
        }
        v128.store(o, a0, 0 * ROW);
        v128.store(o, a1, 1 * ROW);
        v128.store(o, a2, 2 * ROW);
        v128.store(o, a3, 3 * ROW);
        v128.store(o + outRow, b0, 0 * ROW);
        v128.store(o + outRow, b1, 1 * ROW);
        v128.store(o + outRow, b2, 2 * ROW);
        v128.store(o + outRow, b3, 3 * ROW);
      }
    }
  }
}

/**
 * A vector times a matrix in each lane: out[j] = Σ_k x[k]·b[k][j] for j < cols, a multiple of 4, k < depth; out[j] at out + j·ROW, x[k] at
 * x + k·ROW, b[k][j] at b + k·bStep + j·bColumn.
 */
export function laneRow(out: usize, x: usize, b: usize, bStep: usize, bColumn: usize, cols: i32, depth: i32): void {
  const end = x + <usize>depth * ROW;
  for (const stop = out + <usize>cols * ROW; out < stop; out += 4 * ROW, b += 4 * bColumn) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let q0 = b;
    let q1 = q0 + bColumn;
    let q2 = q1 + bColumn;
    let q3 = q2 + bColumn;
    for (let p = x; p < end; p += ROW) {
      const u = v128.load(p);
      const v = v128.load(p, HALF);
      a0 = mulAdd(u, v128.load(q0), a0);
      b0 = mulAdd(v, v128.load(q0, HALF), b0);
      a1 = mulAdd(u, v128.load(q1), a1);
      b1 = mulAdd(v, v128.load(q1, HALF), b1);
      a2 = mulAdd(u, v128.load(q2), a2);
      b2 = mulAdd(v, v128.load(q2, HALF), b2);
      a3 = mulAdd(u, v128.load(q3), a3);
      b3 = mulAdd(v, v128.load(q3, HALF), b3);
      q0 += bStep;
      q1 += bStep;
      q2 += bStep;
      q3 += bStep;
    }
    v128.store(out, a0, 0 * ROW);
    v128.store(out, b0, 0 * ROW + HALF);
    v128.store(out, a1, 1 * ROW);
    v128.store(out, b1, 1 * ROW + HALF);
    v128.store(out, a2, 2 * ROW);
    v128.store(out, b2, 2 * ROW + HALF);
    v128.store(out, a3, 3 * ROW);
    v128.store(out, b3, 3 * ROW + HALF);
  }
}
