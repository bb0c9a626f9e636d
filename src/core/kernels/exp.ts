/** 2^(j/2048); the kernels have a copy (assembly/exp.ts). */
export const fractions = Float64Array.from({ length: 2048 }, (_, j) => 2 ** (j / 2048));
/** 2^k at k + offset. */
const offset = 1080;
const powers = Float64Array.from({ length: offset + 1024 }, (_, k) => 2 ** (k - offset));

const perUnit = 2048 / Math.LN2;
/**
 * ln 2 / 2048 in two parts, of which the first has so few bits that its products here are exact; the second has what a double leaves of
 * ln 2, too.
 */
const stepHigh = Math.fround(Math.LN2 / 2048);
const stepLow = Math.LN2 / 2048 - stepHigh + 2.3190468138462996e-17 / 2048;
/** Adding and taking away 1.5·2^52 rounds to the nearest integer. */
const rounder = 6755399441055744;

/**
 * e^x to 2 units in the last place, faster than Math.exp here because it can be inlined, and the same bits on every machine. Underflows
 * to 0 below −745, overflows to ∞ above 709.78; NaN stays NaN.
 */
export function exp(x: number): number {
  if (!(x > -745 && x < 709.78)) return x < 0 ? 0 : x + Number.POSITIVE_INFINITY;
  const steps = x * perUnit + rounder - rounder;
  const r = x - steps * stepHigh - steps * stepLow;
  const i = steps | 0;
  const fraction = fractions[i & 2047];
  return (fraction + fraction * (r + r * r * (0.5 + r * (1 / 6)))) * powers[(i >> 11) + offset];
}
