/**
 * Elementary functions on four floats at a time, to about 2e-7 and built from operations that every machine rounds alike.
 * Constants lie in memory: registers are scarce, and the processor adds and multiplies from memory at no cost.
 * NaN passes through (`pmin` and `pmax` keep a NaN in their first argument).
 */

const SPLAT: usize = 16;

// tanh x ≈ x·P(x²)/Q(x²) for |x| ≤ 8 (relative minimax, 1.5e-7); 1 − tanh 8 = 2e-7.
const TANH = memory.data<f32>([
  8.0, 8.0, 8.0, 8.0,
  -8.0, -8.0, -8.0, -8.0,
  1.1428395737311803e-5, 1.1428395737311803e-5, 1.1428395737311803e-5, 1.1428395737311803e-5,
  0.0029510222375392914, 0.0029510222375392914, 0.0029510222375392914, 0.0029510222375392914,
  0.12925662100315094, 0.12925662100315094, 0.12925662100315094, 0.12925662100315094,
  0.9999998807907104, 0.9999998807907104, 0.9999998807907104, 0.9999998807907104,
  2.4592003455836675e-7, 2.4592003455836675e-7, 2.4592003455836675e-7, 2.4592003455836675e-7,
  2.386688720434904e-4, 2.386688720434904e-4, 2.386688720434904e-4, 2.386688720434904e-4,
  0.023815548047423363, 0.023815548047423363, 0.023815548047423363, 0.023815548047423363,
  0.4625887870788574, 0.4625887870788574, 0.4625887870788574, 0.4625887870788574,
  1.0, 1.0, 1.0, 1.0,
], 16);

const HALVES = memory.data<f32>([0.5, 0.5, 0.5, 0.5], 16);

// @ts-ignore: decorator
@inline
export function tanh4(value: v128): v128 {
  const x = f32x4.pmax(f32x4.pmin(value, v128.load(TANH, 0 * SPLAT)), v128.load(TANH, 1 * SPLAT));
  const z = f32x4.mul(x, x);
  let p = f32x4.add(f32x4.mul(z, v128.load(TANH, 2 * SPLAT)), v128.load(TANH, 3 * SPLAT));
  p = f32x4.add(f32x4.mul(z, p), v128.load(TANH, 4 * SPLAT));
  p = f32x4.add(f32x4.mul(z, p), v128.load(TANH, 5 * SPLAT));
  let q = f32x4.add(f32x4.mul(z, v128.load(TANH, 6 * SPLAT)), v128.load(TANH, 7 * SPLAT));
  q = f32x4.add(f32x4.mul(z, q), v128.load(TANH, 8 * SPLAT));
  q = f32x4.add(f32x4.mul(z, q), v128.load(TANH, 9 * SPLAT));
  q = f32x4.add(f32x4.mul(z, q), v128.load(TANH, 10 * SPLAT));
  return f32x4.div(f32x4.mul(x, p), q);
}

/** 1/(1 + e^−x) = ½ + ½·tanh(x/2) */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const half = v128.load(HALVES);
  return f32x4.add(half, f32x4.mul(half, tanh4(f32x4.mul(x, half))));
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

/** e^x for −87 ≤ x ≤ 88; outside, the value at the border. */
// @ts-ignore: decorator
@inline
export function exp4(value: v128): v128 {
  const x = f32x4.pmin(f32x4.pmax(value, v128.load(EXP, 0 * SPLAT)), v128.load(EXP, 1 * SPLAT));
  const rounded = f32x4.add(f32x4.mul(x, v128.load(EXP, 2 * SPLAT)), v128.load(EXP, 3 * SPLAT));
  const n = f32x4.sub(rounded, v128.load(EXP, 3 * SPLAT));
  let r = f32x4.add(x, f32x4.mul(n, v128.load(EXP, 4 * SPLAT)));
  r = f32x4.add(r, f32x4.mul(n, v128.load(EXP, 5 * SPLAT)));
  let p = f32x4.add(f32x4.mul(r, v128.load(EXP, 6 * SPLAT)), v128.load(EXP, 7 * SPLAT));
  p = f32x4.add(f32x4.mul(r, p), v128.load(EXP, 8 * SPLAT));
  p = f32x4.add(f32x4.mul(r, p), v128.load(EXP, 9 * SPLAT));
  p = f32x4.add(f32x4.mul(r, p), v128.load(EXP, 10 * SPLAT));
  p = f32x4.add(f32x4.mul(r, p), v128.load(EXP, 11 * SPLAT));
  return i32x4.add(p, i32x4.shl(rounded, 23));
}

/** ln x for normal x > 0: x = 2^k·m with m in [√½, √2), ln m = 2·artanh s with s = (m − 1)/(m + 1). */
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
  return f32x4.add(f32x4.mul(k, f32x4.splat(0.6931471824645996)), f32x4.mul(s, p));
}

/** x[i] = tanh x[i] over `rows` rows. */
export function tanhRows(x: usize, rows: i32): void {
  for (const end = x + (<usize>rows << 5); x < end; x += SPLAT) v128.store(x, tanh4(v128.load(x)));
}

/** x[i] = sigmoid x[i] over `rows` rows. */
export function sigmoidRows(x: usize, rows: i32): void {
  for (const end = x + (<usize>rows << 5); x < end; x += SPLAT) v128.store(x, sigmoid4(v128.load(x)));
}

/** x[i] = e^x[i] over `rows` rows. */
export function expRows(x: usize, rows: i32): void {
  for (const end = x + (<usize>rows << 5); x < end; x += SPLAT) v128.store(x, exp4(v128.load(x)));
}

/** x[i] = ln x[i] over `rows` rows. */
export function logRows(x: usize, rows: i32): void {
  for (const end = x + (<usize>rows << 5); x < end; x += SPLAT) v128.store(x, log4(v128.load(x)));
}
