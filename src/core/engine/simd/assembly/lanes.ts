/**
 * The layout of everything that is computed: eight cells side by side, one a lane. A *row* is one feature of the eight
 * cells (32 bytes, two registers); a matrix [features][lane] is `features` rows; a sequence is one matrix a position.
 * Tables and weights outside are row-major, so the kernels here turn rows into lanes and back.
 */
export const LANES: i32 = 8;
/** Bytes of a row. */
export const ROW: usize = 32;
/** Bytes of a row's half, one register. */
export const HALF: usize = 16;

/** `n` rounded up to whole registers of four. */
// @ts-ignore: decorator
@inline
export function roundUp4(n: i32): i32 {
  return (n + 3) & ~3;
}

/** Store the transpose of the 4×4 matrix with rows a, b, c, d: its columns, `stride` apart. */
// @ts-ignore: decorator
@inline
export function storeTransposed(out: usize, stride: usize, a: v128, b: v128, c: v128, d: v128): void {
  const lowAb = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const lowCd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const highAb = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const highCd = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<f64>(lowAb, lowCd, 0, 2));
  v128.store(out + stride, v128.shuffle<f64>(lowAb, lowCd, 1, 3));
  v128.store(out + 2 * stride, v128.shuffle<f64>(highAb, highCd, 0, 2));
  v128.store(out + 3 * stride, v128.shuffle<f64>(highAb, highCd, 1, 3));
}

/** out[f][lane] = table[index[lane]][f] for f < width, a multiple of 4. */
export function gather(out: usize, table: usize, width: i32, index: usize): void {
  const bytes = <usize>width << 2;
  for (let half: usize = 0; half < ROW; half += HALF) {
    let a = table + <usize>load<u32>(index + half, 0) * bytes;
    let b = table + <usize>load<u32>(index + half, 4) * bytes;
    let c = table + <usize>load<u32>(index + half, 8) * bytes;
    let d = table + <usize>load<u32>(index + half, 12) * bytes;
    const end = out + half + <usize>width * ROW;
    for (let o = out + half; o < end; o += 4 * ROW) {
      storeTransposed(o, ROW, v128.load(a), v128.load(b), v128.load(c), v128.load(d));
      a += 16;
      b += 16;
      c += 16;
      d += 16;
    }
  }
}

/** table[index[lane]][f] += x[f][lane], lane after lane, for f < width, a multiple of 4. */
export function scatterAdd(table: usize, x: usize, width: i32, index: usize): void {
  const bytes = <usize>width << 2;
  for (let half: usize = 0; half < ROW; half += HALF) {
    let a = table + <usize>load<u32>(index + half, 0) * bytes;
    let b = table + <usize>load<u32>(index + half, 4) * bytes;
    let c = table + <usize>load<u32>(index + half, 8) * bytes;
    let d = table + <usize>load<u32>(index + half, 12) * bytes;
    const end = x + half + <usize>width * ROW;
    for (let p = x + half; p < end; p += 4 * ROW) {
      const r0 = v128.load(p, 0 * ROW);
      const r1 = v128.load(p, 1 * ROW);
      const r2 = v128.load(p, 2 * ROW);
      const r3 = v128.load(p, 3 * ROW);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      // One lane at a time: two lanes may hold the same token.
      v128.store(a, f32x4.add(v128.load(a), v128.shuffle<f64>(low01, low23, 0, 2)));
      v128.store(b, f32x4.add(v128.load(b), v128.shuffle<f64>(low01, low23, 1, 3)));
      v128.store(c, f32x4.add(v128.load(c), v128.shuffle<f64>(high01, high23, 0, 2)));
      v128.store(d, f32x4.add(v128.load(d), v128.shuffle<f64>(high01, high23, 1, 3)));
      a += 16;
      b += 16;
      c += 16;
      d += 16;
    }
  }
}

/** out[lane][f] = x[f][lane] for all lanes, width a multiple of 4. */
export function storeRows(out: usize, x: usize, width: i32): void {
  const bytes = <usize>width << 2;
  for (let half: usize = 0; half < ROW; half += HALF, out += 4 * bytes) {
    let p = x + half;
    for (let o = out; o < out + bytes; o += 16, p += 4 * ROW) {
      storeTransposed(o, bytes, v128.load(p), v128.load(p, ROW), v128.load(p, 2 * ROW), v128.load(p, 3 * ROW));
    }
  }
}

/** out[lane][f] = x[f][lane] for lane < count ≤ 8. */
export function storeLanes(out: usize, x: usize, width: i32, count: i32): void {
  for (let lane = 0; lane < count; lane++) {
    for (let f = 0; f < width; f++) {
      store<f32>(out + ((<usize>lane * width + f) << 2), load<f32>(x + <usize>f * ROW + (<usize>lane << 2)));
    }
  }
}

/** The four sums of a, b, c, d over their lanes, as (Σa, Σb, Σc, Σd). */
// @ts-ignore: decorator
@inline
export function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f64>(ab, cd, 0, 2), v128.shuffle<f64>(ab, cd, 1, 3));
}
