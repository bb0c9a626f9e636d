/** Address of the table of core/kernels/exp.ts, 2^(j/2048) for j < 2048, which the host has filled; the constants are those of that file. */
let fractions: usize = 0;
const STEPS: f64 = 2048;
const LN2: f64 = 0.6931471805599453;
const perUnit: f64 = STEPS / LN2;
const stepHigh: f64 = <f64>(<f32>(LN2 / STEPS));
const stepLow: f64 = LN2 / STEPS - stepHigh + 2.3190468138462996e-17 / STEPS;
const rounder: f64 = 6755399441055744;

/** Where the table lies; once an instance. */
export function setFractions(address: usize): void {
  fractions = address;
}

/** e^x of two numbers with |x| < 700, to the bits of `exp` in core/kernels/exp.ts, where the method is explained. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const shifted = f64x2.add(f64x2.mul(x, f64x2.splat(perUnit)), f64x2.splat(rounder));
  const steps = f64x2.sub(shifted, f64x2.splat(rounder));
  const high = f64x2.sub(x, f64x2.mul(steps, f64x2.splat(stepHigh)));
  const r = f64x2.sub(high, f64x2.mul(steps, f64x2.splat(stepLow)));
  const i = i32x4.trunc_sat_f64x2_s_zero(steps);
  const place = v128.and(i, i32x4.splat(2047));
  const fraction = v128.load64_lane(
    fractions + (<usize>i32x4.extract_lane(place, 1) << 3),
    v128.load64_zero(fractions + (<usize>i32x4.extract_lane(place, 0) << 3)),
    1,
  );
  // 2^k, k = i >> 11, as the exponent's bits.
  const k = i64x2.extend_low_i32x4_s(i32x4.shr_s(i, 11));
  const power = i64x2.shl(i64x2.add(k, i64x2.splat(1023)), 52);
  const sixth = f64x2.add(f64x2.splat(0.5), f64x2.mul(r, f64x2.splat(1.0 / 6.0)));
  const series = f64x2.add(r, f64x2.mul(f64x2.mul(r, r), sixth));
  return f64x2.mul(f64x2.add(fraction, f64x2.mul(fraction, series)), power);
}

/** out[i] = e^x[i] for i < n, an even number: for the test. */
export function expAll(out: usize, x: usize, n: i32): void {
  for (const end = x + (<usize>n << 3); x < end; x += 16, out += 16) v128.store(out, exp(v128.load(x)));
}
