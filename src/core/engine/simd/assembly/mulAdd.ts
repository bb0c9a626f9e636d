/**
 * a·b + c. Rounded twice, and so the same on every machine; in the relaxed module (simd-relaxed) it is the processor's fused operation,
 * rounded once, where there is one: faster, with bits of the machine.
 */
// @ts-ignore: decorator
@inline
export function mulAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));
}
