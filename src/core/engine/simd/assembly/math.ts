/**
 * Elementary functions, row by row, to about 2e-7 and built from operations that every machine rounds alike. A row's two
 * halves share the load of each constant: the constants would not all fit into registers. NaN passes through (`pmin` and
 * `pmax` keep a NaN in their first argument).
 */
import { HALF, ROW } from './lanes';
import { mulAdd } from './mulAdd';

const SPLAT: usize = 16;

// tanh x ≈ x·P(x²)/Q(x²) for |x| ≤ 8 (relative minimax, 1.5e-7; 1 − tanh 8 = 2e-7): the bounds, P and Q from their highest
// coefficients down.
const TANH = memory.data<f32>([
  8.0, 8.0, 8.0, 8.0,
  -8.0, -8.0, -8.0, -8.0,
  1.1428395737311803e-05, 1.1428395737311803e-05, 1.1428395737311803e-05, 1.1428395737311803e-05,
  0.0029510222375392914, 0.0029510222375392914, 0.0029510222375392914, 0.0029510222375392914,
  0.12925662100315094, 0.12925662100315094, 0.12925662100315094, 0.12925662100315094,
  0.9999998807907104, 0.9999998807907104, 0.9999998807907104, 0.9999998807907104,
  2.4592003455836675e-07, 2.4592003455836675e-07, 2.4592003455836675e-07, 2.4592003455836675e-07,
  0.0002386688720434904, 0.0002386688720434904, 0.0002386688720434904, 0.0002386688720434904,
  0.023815548047423363, 0.023815548047423363, 0.023815548047423363, 0.023815548047423363,
  0.4625887870788574, 0.4625887870788574, 0.4625887870788574, 0.4625887870788574,
  1.0, 1.0, 1.0, 1.0,
], 16);

// sigmoid x = ½ + ½·tanh(x/2): the same with the halves worked into the coefficients, which is exact.
const SIGMOID = memory.data<f32>([
  16.0, 16.0, 16.0, 16.0,
  -16.0, -16.0, -16.0, -16.0,
  4.464217084887423e-08, 4.464217084887423e-08, 4.464217084887423e-08, 4.464217084887423e-08,
  4.610972246155143e-05, 4.610972246155143e-05, 4.610972246155143e-05, 4.610972246155143e-05,
  0.008078538812696934, 0.008078538812696934, 0.008078538812696934, 0.008078538812696934,
  0.2499999701976776, 0.2499999701976776, 0.2499999701976776, 0.2499999701976776,
  9.606251349936201e-10, 9.606251349936201e-10, 9.606251349936201e-10, 9.606251349936201e-10,
  3.7292011256795377e-06, 3.7292011256795377e-06, 3.7292011256795377e-06, 3.7292011256795377e-06,
  0.0014884717529639602, 0.0014884717529639602, 0.0014884717529639602, 0.0014884717529639602,
  0.11564719676971436, 0.11564719676971436, 0.11564719676971436, 0.11564719676971436,
  1.0, 1.0, 1.0, 1.0,
], 16);

const HALVES = memory.data<f32>([0.5, 0.5, 0.5, 0.5], 16);

/** The row at `out` ← x·P(x²)/Q(x²) of the row at `x`, plus ½ where it is the sigmoid. */
// @ts-ignore: decorator
@inline
function squashRow(out: usize, x: usize, constants: usize, sigmoid: bool): void {
  let c = v128.load(constants, 0 * SPLAT);
  let a = f32x4.pmin(v128.load(x), c);
  let b = f32x4.pmin(v128.load(x, HALF), c);
  c = v128.load(constants, 1 * SPLAT);
  a = f32x4.pmax(a, c);
  b = f32x4.pmax(b, c);
  const za = f32x4.mul(a, a);
  const zb = f32x4.mul(b, b);
  let pa = v128.load(constants, 2 * SPLAT);
  c = v128.load(constants, 3 * SPLAT);
  let pb = mulAdd(zb, pa, c);
  pa = mulAdd(za, pa, c);
  c = v128.load(constants, 4 * SPLAT);
  pa = mulAdd(pa, za, c);
  pb = mulAdd(pb, zb, c);
  c = v128.load(constants, 5 * SPLAT);
  pa = f32x4.mul(mulAdd(pa, za, c), a);
  pb = f32x4.mul(mulAdd(pb, zb, c), b);
  let qa = v128.load(constants, 6 * SPLAT);
  c = v128.load(constants, 7 * SPLAT);
  let qb = mulAdd(zb, qa, c);
  qa = mulAdd(za, qa, c);
  c = v128.load(constants, 8 * SPLAT);
  qa = mulAdd(qa, za, c);
  qb = mulAdd(qb, zb, c);
  c = v128.load(constants, 9 * SPLAT);
  qa = mulAdd(qa, za, c);
  qb = mulAdd(qb, zb, c);
  c = v128.load(constants, 10 * SPLAT);
  a = f32x4.div(pa, mulAdd(qa, za, c));
  b = f32x4.div(pb, mulAdd(qb, zb, c));
  if (sigmoid) {
    c = v128.load(HALVES);
    a = f32x4.add(a, c);
    b = f32x4.add(b, c);
  }
  v128.store(out, a);
  v128.store(out, b, HALF);
}

/** out ← tanh x over `rows` rows; they may be the same. */
export function tanhRows(out: usize, x: usize, rows: i32): void {
  for (const end = x + <usize>rows * ROW; x < end; x += ROW, out += ROW) squashRow(out, x, TANH, false);
}

/** out ← 1/(1 + e^−x) over `rows` rows; they may be the same. */
export function sigmoidRows(out: usize, x: usize, rows: i32): void {
  for (const end = x + <usize>rows * ROW; x < end; x += ROW, out += ROW) squashRow(out, x, SIGMOID, true);
}

// e^x = 2^n·e^r with n = round(x·log₂e), r = x − n·ln 2 in two parts, |r| ≤ ½·ln 2 (relative minimax, 8e-8).
// Adding 1.5·2²³ rounds and leaves n in the low bits, which a shift turns into the exponent of 2^n.
const EXP = memory.data<f32>([
  -87.0, -87.0, -87.0, -87.0,
  88.0, 88.0, 88.0, 88.0,
  1.4426950216293335, 1.4426950216293335, 1.4426950216293335, 1.4426950216293335,
  12582912.0, 12582912.0, 12582912.0, 12582912.0,
  -0.693359375, -0.693359375, -0.693359375, -0.693359375,
  2.1219444170128554e-4, 2.1219444170128554e-4, 2.1219444170128554e-4, 2.1219444170128554e-4,
  0.008297797292470932, 0.008297797292470932, 0.008297797292470932, 0.008297797292470932,
  0.04191536828875542, 0.04191536828875542, 0.04191536828875542, 0.04191536828875542,
  0.16667571663856506, 0.16667571663856506, 0.16667571663856506, 0.16667571663856506,
  0.49998894333839417, 0.49998894333839417, 0.49998894333839417, 0.49998894333839417,
  0.9999997019767761, 0.9999997019767761, 0.9999997019767761, 0.9999997019767761,
  1.0000001192092896, 1.0000001192092896, 1.0000001192092896, 1.0000001192092896,
], 16);

/** out ← e^x over `rows` rows, for −87 ≤ x ≤ 88; outside, the value at the border. They may be the same. */
export function expRows(out: usize, x: usize, rows: i32): void {
  for (const end = x + <usize>rows * ROW; x < end; x += ROW, out += ROW) {
    let c = v128.load(EXP, 0 * SPLAT);
    let a = f32x4.pmax(v128.load(x), c);
    let b = f32x4.pmax(v128.load(x, HALF), c);
    c = v128.load(EXP, 1 * SPLAT);
    a = f32x4.pmin(a, c);
    b = f32x4.pmin(b, c);
    c = v128.load(EXP, 2 * SPLAT);
    const rounding = v128.load(EXP, 3 * SPLAT);
    const ra = mulAdd(a, c, rounding);
    const rb = mulAdd(b, c, rounding);
    const na = f32x4.sub(ra, rounding);
    const nb = f32x4.sub(rb, rounding);
    c = v128.load(EXP, 4 * SPLAT);
    a = mulAdd(na, c, a);
    b = mulAdd(nb, c, b);
    c = v128.load(EXP, 5 * SPLAT);
    a = mulAdd(na, c, a);
    b = mulAdd(nb, c, b);
    let pa = v128.load(EXP, 6 * SPLAT);
    c = v128.load(EXP, 7 * SPLAT);
    let pb = mulAdd(b, pa, c);
    pa = mulAdd(a, pa, c);
    c = v128.load(EXP, 8 * SPLAT);
    pa = mulAdd(pa, a, c);
    pb = mulAdd(pb, b, c);
    c = v128.load(EXP, 9 * SPLAT);
    pa = mulAdd(pa, a, c);
    pb = mulAdd(pb, b, c);
    c = v128.load(EXP, 10 * SPLAT);
    pa = mulAdd(pa, a, c);
    pb = mulAdd(pb, b, c);
    c = v128.load(EXP, 11 * SPLAT);
    v128.store(out, i32x4.add(mulAdd(pa, a, c), i32x4.shl(ra, 23)));
    v128.store(out, i32x4.add(mulAdd(pb, b, c), i32x4.shl(rb, 23)), HALF);
  }
}

/** ln x for normal x > 0, NaN for NaN and infinity: x = 2^k·m with m in [√½, √2), ln m = 2·artanh s with s = (m − 1)/(m + 1). */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  // Bits of √½ taken away, so that the exponent field steps at √½·2^k.
  const shifted = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const k = f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23));
  const m = i32x4.sub(x, v128.and(shifted, i32x4.splat(<i32>0xff800000)));
  const one = f32x4.splat(1.0);
  const s = f32x4.div(f32x4.sub(m, one), f32x4.add(m, one));
  const z = f32x4.mul(s, s);
  let p = f32x4.add(f32x4.mul(z, f32x4.splat(0.2992534339427948)), f32x4.splat(0.3997480869293213));
  p = f32x4.add(f32x4.mul(z, p), f32x4.splat(0.666668176651001));
  p = f32x4.add(f32x4.mul(z, p), f32x4.splat(2.0));
  const log = f32x4.add(f32x4.mul(k, f32x4.splat(0.6931471824645996)), f32x4.mul(s, p));
  // The bits of a NaN would pass for a number's; x − x is 0 of numbers only.
  return f32x4.add(log, f32x4.sub(x, x));
}

/** out ← ln x over `rows` rows; they may be the same. */
export function logRows(out: usize, x: usize, rows: i32): void {
  for (const end = x + <usize>rows * ROW; x < end; x += HALF, out += HALF) v128.store(out, log4(v128.load(x)));
}
