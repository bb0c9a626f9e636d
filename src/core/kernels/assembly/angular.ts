import { pairBegin, positiveOf } from './classes';

/**
 * For each pair k = (a, p) of the anchors a from `from` to `to`, the bit set of the rows n of other classes with
 * dots[a][n] − own[n] + dots[p][n] > thresholds[k]: words[k][width]; others[class][width] are the rows that are not in a class. sizes[a]
 * (i32) is the number of bits. `own` has a number for every bit of the words. Scratch: dots[a] − own.
 */
export function angularRows(
  words: usize, sizes: usize, dots: usize, own: usize, thresholds: usize, others: usize, classOf: usize,
  pairStart: usize, positive: usize, n: i32, width: i32, from: i32, to: i32, scratch: usize,
): void {
  const stride = <usize>n << 3;
  const bytes = <usize>width << 2;
  for (let a = from; a < to; a++) {
    subtract(scratch, dots + <usize>a * stride, own, bytes << 6);
    const mask = others + <usize>load<i32>(classOf + (<usize>a << 2)) * bytes;
    let size = 0;
    for (let k = pairBegin(pairStart, a); k < pairBegin(pairStart, a + 1); k++) {
      const back = dots + <usize>positiveOf(positive, k) * stride;
      const threshold = v128.load64_splat(thresholds + (<usize>k << 3));
      const out = words + <usize>k * bytes;
      for (let w: usize = 0; w < bytes; w += 4) {
        // A word of 32 bits is 256 bytes of numbers.
        const at = w << 6;
        const low = sixteen(scratch + at, back + at, threshold);
        const high = sixteen(scratch + at + 128, back + at + 128, threshold);
        const word = (low | (high << 16)) & load<i32>(mask + w);
        store<i32>(out + w, word);
        size += popcnt(word);
      }
    }
    store<i32>(sizes + (<usize>a << 2), size);
  }
}

/** out = x − y, `bytes` of numbers. */
// @ts-ignore: decorator
@inline
function subtract(out: usize, x: usize, y: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(out + at, f64x2.sub(v128.load(x + at), v128.load(y + at)));
  }
}

/** Bit i of the result: x[i] + y[i] > threshold, for i < 16. */
// @ts-ignore: decorator
@inline
function sixteen(x: usize, y: usize, threshold: v128): i32 {
  const low = i16x8.narrow_i32x4_s(four(x, y, threshold), four(x + 32, y + 32, threshold));
  const high = i16x8.narrow_i32x4_s(four(x + 64, y + 64, threshold), four(x + 96, y + 96, threshold));
  return i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}

/** Four lanes of −1 or 0. */
// @ts-ignore: decorator
@inline
function four(x: usize, y: usize, threshold: v128): v128 {
  return v128.shuffle<i32>(two(x, y, threshold), two(x + 16, y + 16, threshold), 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function two(x: usize, y: usize, threshold: v128): v128 {
  return f64x2.gt(f64x2.add(v128.load(x), v128.load(y)), threshold);
}
