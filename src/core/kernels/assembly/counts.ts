import { pairBegin } from './classes';

/**
 * How often the pairs of each anchor a from `from` to `to` occur in the triplets of bit sets, words[k][width] for each pair k:
 * positives[k] (i32) and negatives[a][n] (u16), rows of `stride` numbers, a multiple of 8.
 */
export function countWords(
  positives: usize, negatives: usize, words: usize, pairStart: usize, stride: i32, width: i32,
  from: i32, to: i32, _scratch: usize,
): void {
  const bytes = <usize>width << 2;
  const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
  for (let a = from; a < to; a++) {
    const begin = pairBegin(pairStart, a);
    const end = pairBegin(pairStart, a + 1);
    const first = words + <usize>begin * bytes;
    const last = words + <usize>end * bytes;
    for (let k = begin; k < end; k++) {
      let count = 0;
      for (let w: usize = 0; w < bytes; w += 4) count += popcnt(load<i32>(words + <usize>k * bytes + w));
      store<i32>(positives + (<usize>k << 2), count);
    }
    const row = negatives + (<usize>a * <usize>stride << 1);
    // Eight rows are a byte of each set.
    for (let eight: usize = 0; eight < <usize>stride >> 3; eight++) {
      let count = i16x8.splat(0);
      for (let word = first + eight; word < last; word += bytes) {
        const set = v128.and(i16x8.splat(<i16>load<u8>(word)), bits);
        count = i16x8.sub(count, i16x8.eq(set, bits));
      }
      v128.store(row + (eight << 4), count);
    }
  }
}

/** The same for spans[a][n] (spans.ts) of places in `order`. */
export function countSpans(
  positives: usize, negatives: usize, spans: usize, order: usize, pairStart: usize, n: i32, stride: i32,
  from: i32, to: i32, _scratch: usize,
): void {
  const low = i32x4.splat(0xffff);
  const zero = i32x4.splat(0);
  for (let a = from; a < to; a++) {
    const begin = pairBegin(pairStart, a);
    const row = negatives + (<usize>a * <usize>stride << 1);
    const mine = spans + (<usize>a * <usize>n << 2);
    for (let x: i32 = 0; x < stride; x += 4) {
      const span = v128.and(v128.load(mine + (<usize>x << 2)), below(n - x));
      const count = i32x4.sub(v128.and(span, low), i32x4.shr_u(span, 16));
      v128.store64_lane(row + (<usize>x << 1), i16x8.narrow_i32x4_u(count, zero), 0);
    }
    const places = pairBegin(pairStart, a + 1) - begin;
    for (let place = 0; place < places; place++) {
      const here = i32x4.splat(place);
      let count = zero;
      for (let x: i32 = 0; x < n; x += 4) {
        const span = v128.and(v128.load(mine + (<usize>x << 2)), below(n - x));
        const begun = i32x4.le_s(i32x4.shr_u(span, 16), here);
        count = i32x4.sub(count, v128.and(begun, i32x4.gt_s(v128.and(span, low), here)));
      }
      const k = load<i32>(order + (<usize>(begin + place) << 2));
      store<i32>(positives + (<usize>k << 2), laneSum(count));
    }
  }
}

/** −1 in the lanes before number `left`. */
// @ts-ignore: decorator
@inline
function below(left: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left));
}

// @ts-ignore: decorator
@inline
function laneSum(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}
