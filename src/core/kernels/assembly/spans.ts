import { pairBegin, positiveOf } from './classes';

/** Which of an anchor's places, in order of distance, a span begins or ends with (as core/miners/tripletMargin.ts counts them). */
const FIRST: i32 = 0;
const FAR: i32 = 1;
const NEAR: i32 = 2;
const LAST: i32 = 3;

/**
 * For each anchor a from `from` to `to`, sorts its pairs into `order` (by signed distance, then number), and gives every row n of another
 * class the span of the places whose positives make a triplet with it, spans[a][n] (i32: first place << 16 | end); 0 for a's own class.
 * Of the places `near` are those nearer than n and `far` those nearer by more than `margin`; a span begins at place `begin` and ends
 * before `end` (see above). sizes[a] (i32) is the number of triplets.
 *
 * A negative is compared with every positive, two negatives at a time and without a jump. Scratch: the sorted distances, each twice [places][2].
 */
export function spanRows(
  spans: usize, order: usize, sizes: usize, matrix: usize, classOf: usize, pairStart: usize, positive: usize,
  n: i32, sign: f64, margin: f64, begin: i32, end: i32, from: i32, to: i32, scratch: usize,
): void {
  const signs = f64x2.splat(sign);
  const margins = f64x2.splat(margin);
  const last = <usize>(n - 1);
  for (let a = from; a < to; a++) {
    const row = matrix + (<usize>a * <usize>n << 3);
    const out = spans + (<usize>a * <usize>n << 2);
    const places = sortPairs(order, row, pairStart, positive, sign, a, scratch);
    const all = i64x2.splat(places);
    const sorted = scratch + (<usize>places << 4);
    // Of what lies beyond even the farthest positive, most of a trained batch, no more is asked. Without positives all is 0.
    const farthest = places == 0 ? f64x2.splat(Infinity) : v128.load(sorted - 16);
    const own = i32x4.splat(load<i32>(classOf + (<usize>a << 2)));
    let size = i64x2.splat(0);
    for (let x: usize = 0; x <= last; x += 2) {
      const value = f64x2.mul(signs, v128.load(row + (x << 3)));
      let near = all;
      let far = all;
      if (!i64x2.all_true(f64x2.gt(f64x2.sub(value, farthest), margins))) {
        near = i64x2.splat(0);
        far = near;
        for (let at = scratch; at < sorted; at += 16) {
          const reach = v128.load(at);
          near = i64x2.sub(near, f64x2.lt(reach, value));
          far = i64x2.sub(far, f64x2.gt(f64x2.sub(value, reach), margins));
        }
      }
      const classes = v128.load64_zero(classOf + (x << 2));
      const other = i64x2.extend_low_i32x4_s(i32x4.ne(classes, own));
      const first = v128.and(choose(begin, near, far, all), other);
      const stop = v128.and(choose(end, near, far, all), other);
      const span = v128.or(i64x2.shl(first, 16), stop);
      const length = i64x2.sub(stop, first);
      if (x == last) {
        store<i32>(out + (x << 2), i32x4.extract_lane(span, 0));
        size = i64x2.add(size, v128.and(length, i64x2(-1, 0)));
      } else {
        v128.store64_lane(out + (x << 2), v128.shuffle<i32>(span, span, 0, 2, 0, 2), 0);
        size = i64x2.add(size, length);
      }
    }
    const both = i64x2.extract_lane(size, 0) + i64x2.extract_lane(size, 1);
    store<i32>(sizes + (<usize>a << 2), <i32>both);
  }
}

// @ts-ignore: decorator
@inline
function choose(place: i32, near: v128, far: v128, all: v128): v128 {
  return place == FIRST ? i64x2.splat(0) : place == FAR ? far : place == NEAR ? near : all;
}

/** Insertion sort of anchor a's pairs; `sorted` gets their signed distances, each twice. Returns their number. */
function sortPairs(
  order: usize, row: usize, pairStart: usize, positive: usize, sign: f64, a: i32, sorted: usize,
): i32 {
  const begin = pairBegin(pairStart, a);
  const places = pairBegin(pairStart, a + 1) - begin;
  const mine = order + (<usize>begin << 2);
  for (let place = 0; place < places; place++) {
    const value = sign * load<f64>(row + (<usize>positiveOf(positive, begin + place) << 3));
    let at = place;
    for (; at > 0; at--) {
      const before = load<f64>(sorted + (<usize>(at - 1) << 4));
      if (!(before > value)) break;
      v128.store(sorted + (<usize>at << 4), f64x2.splat(before));
      store<i32>(mine + (<usize>at << 2), load<i32>(mine + (<usize>(at - 1) << 2)));
    }
    v128.store(sorted + (<usize>at << 4), f64x2.splat(value));
    store<i32>(mine + (<usize>at << 2), begin + place);
  }
  return places;
}
