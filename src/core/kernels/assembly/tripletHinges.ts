import { pairBegin, positiveOf } from './classes';
import { perValue, storeTwo } from './rows';

// Scratch: of each place of the current anchor, and of the end behind them,
/** its signed value, twice: [places + 1][2]; */
let reach: usize = 0;
/** the sum of the values before it: [places + 1]; */
let sums: usize = 0;
/** how many more negatives count with it than with the one before, even and odd negatives apart: [places + 1][2] (i32). */
let steps: usize = 0;

/**
 * relu(sign·(v(a,p) − v(a,n)) + margin) over the triplets of spans[a][n] of places in `order` (spans.ts), for the anchors a from `from`
 * to `to`. Losses count between `low` (at least 0) and `high`. Sums run over the negatives in ascending order; no triplet is listed.
 *
 * coefficients[a][n]: ∂(sum of the counted losses)/∂v, divided by v where `divide` is 1. totals [3][n]: sum, number of triplets, number of
 * counted ones.
 */
export function tripletHingeRows(
  coefficients: usize, totals: usize, matrix: usize, spans: usize, order: usize, pairStart: usize, positive: usize,
  n: i32, sign: f64, margin: f64, low: f64, high: f64, divide: i32, from: i32, to: i32, scratch: usize,
): void {
  const bytes = <usize>n << 3;
  for (let a = from; a < to; a++) {
    const row = matrix + <usize>a * bytes;
    const out = coefficients + <usize>a * bytes;
    const total = totals + (<usize>a << 3);
    const mine = spans + (<usize>a * <usize>n << 2);
    const begin = pairBegin(pairStart, a);
    const places = pairBegin(pairStart, a + 1) - begin;
    const names = order + (<usize>begin << 2);
    reach = scratch;
    sums = reach + (<usize>(places + 1) << 4);
    steps = sums + (<usize>(places + 1) << 3);
    if (readPlaces(names, places, row, positive, sign)) {
      orderedNegatives(out, total, row, mine, n, sign, margin, low, high, divide);
    } else {
      negatives(out, total, row, mine, n, sign, margin, low, high, divide);
    }
    let active = 0;
    for (let place: usize = 0; place < <usize>places; place++) {
      active += load<i32>(steps + (place << 3)) + load<i32>(steps + (place << 3), 4);
      const at = <usize>positiveOf(positive, load<i32>(names + (place << 2))) << 3;
      const value = load<f64>(row + at);
      const weight = sign * <f64>active;
      store<f64>(out + at, divide == 0 ? weight : value == 0 ? 0 : weight / value);
    }
  }
}

/** Fills `reach` and `sums` and zeroes `steps`; whether the places are in ascending order (they are if loss and miner agree on the distance). */
function readPlaces(names: usize, places: i32, row: usize, positive: usize, sign: f64): bool {
  let sum: f64 = 0;
  let before = -Infinity;
  let ordered = true;
  for (let place: usize = 0; place < <usize>places; place++) {
    const value = sign * load<f64>(row + (<usize>positiveOf(positive, load<i32>(names + (place << 2))) << 3));
    v128.store(reach + (place << 4), f64x2.splat(value));
    store<f64>(sums + (place << 3), sum);
    store<i64>(steps + (place << 3), 0);
    if (value < before) ordered = false;
    before = value;
    sum += value;
  }
  store<f64>(sums + (<usize>places << 3), sum);
  store<i64>(steps + (<usize>places << 3), 0);
  return ordered;
}

/** Of places in ascending order those that count are the last ones of a span: counting the others finds them, two negatives at a time. */
// @ts-ignore: decorator
@inline
function orderedNegatives(
  out: usize, total: usize, row: usize, spans: usize, n: i32, sign: f64, margin: f64, low: f64, high: f64,
  divide: i32,
): void {
  const signs = f64x2.splat(sign);
  const margins = f64x2.splat(margin);
  const lows = f64x2.splat(low);
  const highs = f64x2.splat(high);
  const bounded = high < Infinity;
  let sum: f64 = 0;
  let tuples = i64x2.splat(0);
  let counted = i64x2.splat(0);
  for (let x = 0; x < n; x += 2) {
    const both = x + 1 < n;
    const at = <usize>x << 3;
    let span = v128.load64_zero(spans + (<usize>x << 2));
    if (!both) span = v128.and(span, i32x4(-1, 0, 0, 0));
    const begin = i64x2.extend_low_i32x4_u(i32x4.shr_u(span, 16));
    const end = i64x2.extend_low_i32x4_u(v128.and(span, i32x4.splat(0xffff)));
    const found = i64x2.sub(end, begin);
    if (!v128.any_true(found)) {
      storeTwo(out + at, f64x2.splat(0), both);
      continue;
    }
    tuples = i64x2.add(tuples, found);
    const value = v128.load(row + at);
    const signed = f64x2.mul(signs, value);
    let first = begin;
    // With the miner's own margin even the nearest counts, and nothing has to be looked for.
    const nearest = v128.load64_lane(
      reach + (<usize>i64x2.extract_lane(begin, 1) << 4),
      v128.load64_zero(reach + (<usize>i64x2.extract_lane(begin, 0) << 4)),
      1,
    );
    const least = f64x2.add(f64x2.sub(nearest, signed), margins);
    if (!i64x2.all_true(v128.or(f64x2.gt(least, lows), i64x2.eq(begin, end)))) {
      let below = i64x2.splat(0);
      for (let place = reach; place < sums - 16; place += 16) {
        const loss = f64x2.add(f64x2.sub(v128.load(place), signed), margins);
        below = i64x2.sub(below, f64x2.le(loss, lows));
      }
      first = i32x4.min_s(i32x4.max_s(begin, below), end);
    }
    let last = end;
    if (bounded) {
      let within = i64x2.splat(0);
      for (let place = reach; place < sums - 16; place += 16) {
        const loss = f64x2.add(f64x2.sub(v128.load(place), signed), margins);
        within = i64x2.sub(within, f64x2.lt(loss, highs));
      }
      last = i32x4.max_s(first, i32x4.min_s(end, within));
    }
    const active = i64x2.sub(last, first);
    counted = i64x2.add(counted, active);
    const actives = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(active, active, 0, 2, 0, 2));
    const rest = f64x2.mul(actives, f64x2.sub(margins, signed));
    const weight = f64x2.mul(f64x2.neg(signs), actives);
    storeTwo(out + at, divide == 0 ? weight : perValue(weight, value), both);
    sum += between(<usize>i64x2.extract_lane(first, 0), <usize>i64x2.extract_lane(last, 0), 0) + f64x2.extract_lane(rest, 0);
    if (both) {
      sum += between(<usize>i64x2.extract_lane(first, 1), <usize>i64x2.extract_lane(last, 1), 4) + f64x2.extract_lane(rest, 1);
    }
  }
  const bytes = <usize>n << 3;
  store<f64>(total, sum);
  store<f64>(total + bytes, <f64>(i64x2.extract_lane(tuples, 0) + i64x2.extract_lane(tuples, 1)));
  store<f64>(total + 2 * bytes, <f64>(i64x2.extract_lane(counted, 0) + i64x2.extract_lane(counted, 1)));
}

/** The sum of the values from place `first` to `last`, which are noted in `steps`, those of even negatives at 0, of odd ones at 4. */
// @ts-ignore: decorator
@inline
function between(first: usize, last: usize, odd: usize): f64 {
  const up = steps + (first << 3) + odd;
  store<i32>(up, load<i32>(up) + 1);
  const down = steps + (last << 3) + odd;
  store<i32>(down, load<i32>(down) - 1);
  return load<f64>(sums + (last << 3)) - load<f64>(sums + (first << 3));
}

/** The same, triplet by triplet, for places in any order. */
function negatives(
  out: usize, total: usize, row: usize, spans: usize, n: i32, sign: f64, margin: f64, low: f64, high: f64,
  divide: i32,
): void {
  let sum: f64 = 0;
  let tuples: f64 = 0;
  let counted: f64 = 0;
  for (let x: usize = 0; x < <usize>n; x++) {
    const span = load<i32>(spans + (x << 2));
    const value = load<f64>(row + (x << 3));
    let active = 0;
    for (let place = span >> 16; place < (span & 0xffff); place++) {
      const loss = load<f64>(reach + (<usize>place << 4)) - sign * value + margin;
      tuples++;
      if (!(loss > low && loss < high)) continue;
      sum += loss;
      active++;
      const step = steps + (<usize>place << 3);
      store<i32>(step, load<i32>(step) + 1);
      store<i32>(step, load<i32>(step, 8) - 1, 8);
    }
    counted += active;
    const weight = -sign * <f64>active;
    store<f64>(out + (x << 3), divide == 0 ? weight : value == 0 ? 0 : weight / value);
  }
  const bytes = <usize>n << 3;
  store<f64>(total, sum);
  store<f64>(total + bytes, tuples);
  store<f64>(total + 2 * bytes, counted);
}
