/** What the kernels of pair losses do with two neighbouring columns of a row of `n` numbers. */

/** How often two negative pairs occur, as float64; `counts` (u16) go on with zeros beyond the last column. */
// @ts-ignore: decorator
@inline
export function twoCounts(counts: usize): v128 {
  const four = i32x4.extend_low_i16x8_u(v128.load32_zero(counts));
  return f64x2.convert_low_i32x4_u(four);
}

/** weight / value, and 0 where the value is: the derivative of a distance at 0. */
// @ts-ignore: decorator
@inline
export function perValue(weight: v128, value: v128): v128 {
  return v128.and(f64x2.div(weight, value), f64x2.ne(value, f64x2.splat(0)));
}

/** Stores two numbers, or the first alone where the second is beyond the row. */
// @ts-ignore: decorator
@inline
export function storeTwo(at: usize, two: v128, both: bool): void {
  if (both) v128.store(at, two);
  else v128.store64_lane(at, two, 0);
}
