import { expect, it } from 'vitest';
import { exp } from '../../../src/core/kernels/exp.js';
import { stream } from '../../../src/core/random/random.js';

it('agrees with Math.exp to 2 units in the last place', () => {
  const random = stream(1, 'exp');
  let worst = 0;
  for (let i = 0; i < 200_000; i++) {
    const x = (random.float() - 0.5) * (i % 2 === 0 ? 4 : 1400);
    worst = Math.max(worst, Math.abs(exp(x) / Math.exp(x) - 1));
  }
  expect(worst).toBeLessThan(2 * 2 ** -52);
});

it('is exact at 0, runs out at the ends and keeps NaN', () => {
  expect(exp(0)).toBe(1);
  expect(exp(-0)).toBe(1);
  expect(exp(-1000)).toBe(0);
  expect(exp(Number.NEGATIVE_INFINITY)).toBe(0);
  expect(exp(1000)).toBe(Number.POSITIVE_INFINITY);
  expect(exp(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  expect(exp(Number.NaN)).toBeNaN();
  expect(Math.abs(exp(-740) - Math.exp(-740))).toBeLessThanOrEqual(5e-324 * 2);
  expect(exp(709.7) / Math.exp(709.7)).toBeCloseTo(1, 14);
});
