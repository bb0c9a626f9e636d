import { pairBegin, positiveOf } from './classes';
import { exp } from './exp';
import { perValue, storeTwo, twoCounts } from './rows';

/**
 * Soft maxima over an anchor's pairs, each once: `together` = start + Σ over the positives that occur of e^(pull·(v − near)), `apart` = start +
 * Σ over the negatives that occur of e^(push·(v − far)), for the anchors a from `from` to `to`, in ascending order. Exponents are
 * below 700 in size.
 *
 * coefficients[a][n]: each term's share of its sum, with the sign of pull or push: (∂ log of the sum/∂v) / |pull or push|; divided
 * by v where `divide` is 1. totals [2][n] are together and apart.
 */
export function softMaximumRows(
  coefficients: usize, totals: usize, matrix: usize, positives: usize, negatives: usize,
  pairStart: usize, positive: usize, n: i32, stride: i32, start: f64, pull: f64, near: f64, push: f64, far: f64,
  divide: i32, from: i32, to: i32, _scratch: usize,
): void {
  const bytes = <usize>n << 3;
  for (let a = from; a < to; a++) {
    const row = matrix + <usize>a * bytes;
    const out = coefficients + <usize>a * bytes;
    const apart = powers(out, row, negatives + (<usize>a * <usize>stride << 1), n, start, push, far);
    // Of no negatives all shares are 0.
    if (apart > 0) share(out, row, n, push < 0 ? -apart : apart, divide);
    let together = start;
    const begin = pairBegin(pairStart, a);
    const end = pairBegin(pairStart, a + 1);
    for (let k = begin; k < end; k++) {
      if (load<i32>(positives + (<usize>k << 2)) == 0) continue;
      const at = <usize>positiveOf(positive, k) << 3;
      const e = f64x2.extract_lane(exp(f64x2.splat(pull * (load<f64>(row + at) - near))), 0);
      store<f64>(out + at, e);
      together += e;
    }
    const whole = pull < 0 ? -together : together;
    for (let k = begin; k < end; k++) {
      if (load<i32>(positives + (<usize>k << 2)) == 0) continue;
      const at = <usize>positiveOf(positive, k) << 3;
      const value = load<f64>(row + at);
      const weight = load<f64>(out + at) / whole;
      store<f64>(out + at, divide == 0 ? weight : value == 0 ? 0 : weight / value);
    }
    store<f64>(totals + (<usize>a << 3), together);
    store<f64>(totals + bytes + (<usize>a << 3), apart);
  }
}

/** out[x] = e^(factor·(row[x] − offset)) where a pair occurs, else 0; returns start + their sum. */
// @ts-ignore: decorator
@inline
function powers(out: usize, row: usize, counts: usize, n: i32, start: f64, factor: f64, offset: f64): f64 {
  const factors = f64x2.splat(factor);
  const offsets = f64x2.splat(offset);
  let sum = start;
  for (let x = 0; x < n; x += 2) {
    const at = <usize>x << 3;
    const occurs = f64x2.gt(twoCounts(counts + (<usize>x << 1)), f64x2.splat(0));
    if (!v128.any_true(occurs)) {
      storeTwo(out + at, occurs, x + 1 < n);
      continue;
    }
    const value = v128.load(row + at);
    const e = v128.and(exp(f64x2.mul(factors, f64x2.sub(value, offsets))), occurs);
    storeTwo(out + at, e, x + 1 < n);
    sum += f64x2.extract_lane(e, 0);
    sum += f64x2.extract_lane(e, 1);
  }
  return sum;
}

/** Divides a row by `whole`, and by its values. */
// @ts-ignore: decorator
@inline
function share(out: usize, row: usize, n: i32, whole: f64, divide: i32): void {
  const wholes = f64x2.splat(whole);
  for (let x = 0; x < n; x += 2) {
    const at = <usize>x << 3;
    const weight = f64x2.div(v128.load(out + at), wholes);
    storeTwo(out + at, divide == 0 ? weight : perValue(weight, v128.load(row + at)), x + 1 < n);
  }
}
