import { pairBegin, positiveOf } from './classes';
import { perValue, storeTwo, twoCounts } from './rows';

/**
 * relu(sign·(v − nearMargin)) for each positive pair and relu(sign·(farMargin − v)) for each negative one, as often as the pair occurs
 * (counts.ts), for the anchors a from `from` to `to`. Losses count between `low` and `high`.
 *
 * coefficients[a][n]: ∂(sum of the counted losses)/∂v, divided by v where `divide` is 1. totals are six rows [6][n]: sum, occurrences
 * and counted occurrences of the positives, then of the negatives; active[2][n] the occurrences whose loss is above 0.
 */
export function hingeRows(
  coefficients: usize, totals: usize, active: usize, matrix: usize, positives: usize, negatives: usize,
  pairStart: usize, positive: usize, n: i32, stride: i32, sign: f64, nearMargin: f64, farMargin: f64,
  low: f64, high: f64, divide: i32, from: i32, to: i32, _scratch: usize,
): void {
  const bytes = <usize>n << 3;
  for (let a = from; a < to; a++) {
    const row = matrix + <usize>a * bytes;
    const out = coefficients + <usize>a * bytes;
    const total = totals + (<usize>a << 3);
    const counts = negatives + (<usize>a * <usize>stride << 1);
    store<f64>(
      active + bytes + (<usize>a << 3),
      negativeHinges(out, total + 3 * bytes, row, counts, n, sign, farMargin, low, high, divide),
    );
    let sum: f64 = 0;
    let tuples: f64 = 0;
    let counted: f64 = 0;
    let above: f64 = 0;
    for (let k = pairBegin(pairStart, a); k < pairBegin(pairStart, a + 1); k++) {
      const at = <usize>positiveOf(positive, k) << 3;
      const count = <f64>load<i32>(positives + (<usize>k << 2));
      const value = load<f64>(row + at);
      const loss = max<f64>(0, sign * (value - nearMargin));
      tuples += count;
      if (loss > 0) above += count;
      if (!(loss > low && loss < high)) continue;
      sum += count * loss;
      counted += count;
      if (loss > 0) store<f64>(out + at, divide == 0 ? sign * count : value == 0 ? 0 : (sign * count) / value);
    }
    store<f64>(total, sum);
    store<f64>(total + bytes, tuples);
    store<f64>(total + 2 * bytes, counted);
    store<f64>(active + (<usize>a << 3), above);
  }
}

/** The negatives of one anchor; their totals are a row apart. Returns the occurrences whose loss is above 0. */
// @ts-ignore: decorator
@inline
function negativeHinges(
  out: usize, totals: usize, row: usize, counts: usize, n: i32, sign: f64, margin: f64, low: f64, high: f64,
  divide: i32,
): f64 {
  const zero = f64x2.splat(0);
  const signs = f64x2.splat(sign);
  const margins = f64x2.splat(margin);
  const lows = f64x2.splat(low);
  const highs = f64x2.splat(high);
  let sum = zero;
  let tuples = zero;
  let counted = zero;
  let above = zero;
  for (let x = 0; x < n; x += 2) {
    const at = <usize>x << 3;
    const value = v128.load(row + at);
    const count = twoCounts(counts + (<usize>x << 1));
    const loss = f64x2.pmax(zero, f64x2.mul(signs, f64x2.sub(margins, value)));
    const active = f64x2.gt(loss, zero);
    const counts2 = v128.and(f64x2.gt(loss, lows), f64x2.lt(loss, highs));
    const here = v128.and(count, counts2);
    tuples = f64x2.add(tuples, count);
    above = f64x2.add(above, v128.and(count, active));
    counted = f64x2.add(counted, here);
    // Beyond the last column, where nothing occurs, there may be no number.
    sum = f64x2.add(sum, v128.and(f64x2.mul(here, loss), f64x2.gt(here, zero)));
    const weight = f64x2.mul(f64x2.neg(signs), v128.and(here, active));
    storeTwo(out + at, divide == 0 ? weight : perValue(weight, value), x + 1 < n);
  }
  const bytes = <usize>n << 3;
  store<f64>(totals, laneSum(sum));
  store<f64>(totals + bytes, laneSum(tuples));
  store<f64>(totals + 2 * bytes, laneSum(counted));
  return laneSum(above);
}

// @ts-ignore: decorator
@inline
function laneSum(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}
