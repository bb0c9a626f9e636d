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

/** The same for spans[a][n] (spans.ts) of places in `order`. Scratch: where the spans of an anchor begin and end, [2][stride] (u16). */
export function countSpans(
  positives: usize, negatives: usize, spans: usize, order: usize, pairStart: usize, n: i32, stride: i32,
  from: i32, to: i32, scratch: usize,
): void {
  const bytes = <usize>stride << 1;
  const begins = scratch;
  const ends = scratch + bytes;
  for (let a = from; a < to; a++) {
    const row = negatives + <usize>a * bytes;
    const mine = spans + (<usize>a * <usize>n << 2);
    for (let at: usize = 0; at < bytes; at += 16) {
      const left = n - <i32>(at >> 1);
      const span0 = v128.and(v128.load(mine + (at << 1)), below(left));
      const span1 = v128.and(v128.load(mine + (at << 1), 16), below(left - 4));
      const begin = i16x8.narrow_i32x4_u(i32x4.shr_u(span0, 16), i32x4.shr_u(span1, 16));
      // Every second half of a word.
      const end = v128.shuffle<i16>(span0, span1, 0, 2, 4, 6, 8, 10, 12, 14);
      v128.store(begins + at, begin);
      v128.store(ends + at, end);
      v128.store(row + at, i16x8.sub(end, begin));
    }
    const first = pairBegin(pairStart, a);
    const places = pairBegin(pairStart, a + 1) - first;
    for (let place = 0; place < places; place++) {
      const k = load<i32>(order + (<usize>(first + place) << 2));
      store<i32>(positives + (<usize>k << 2), countAround(begins, ends, bytes, <i16>place));
    }
  }
}

/** How many spans begin at or before `place` and end behind it. */
// @ts-ignore: decorator
@inline
function countAround(begins: usize, ends: usize, bytes: usize, place: i16): i32 {
  const here = i16x8.splat(place);
  let count = i32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    const begun = i16x8.le_u(v128.load(begins + at), here);
    const around = v128.and(begun, i16x8.gt_u(v128.load(ends + at), here));
    count = i32x4.sub(count, i32x4.extadd_pairwise_i16x8_s(around));
  }
  return laneSum(count);
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
