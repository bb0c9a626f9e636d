import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import { meanInterval } from '../../../src/core/statistics/bootstrap.js';
import { holm } from '../../../src/core/statistics/holm.js';
import { mannWhitney } from '../../../src/core/statistics/mannWhitney.js';
import { normalCdf } from '../../../src/core/statistics/normal.js';

const normals = (count: number, shift: number, ...name: (string | number)[]) => {
  const random = stream(1, ...name);
  return Array.from({ length: count }, () => random.normal() + shift);
};

it('normalCdf has the tabulated values', () => {
  for (const [z, p] of [
    [0, 0.5],
    [1, 0.8413447],
    [1.959964, 0.975],
    [-2.575829, 0.005],
  ] as const)
    expect(normalCdf(z)).toBeCloseTo(p, 6);
});

describe('mannWhitney', () => {
  it('has the p of scipy.stats.mannwhitneyu(method="asymptotic")', () => {
    // Worked by hand: U = 2, n = m = 8, no ties: z = (30 − ½) / √(64·17/12)
    const a = [1, 2, 3, 4, 5, 6, 7, 9.5];
    const b = [7.5, 9, 10, 11, 12, 13, 14, 15];
    expect(mannWhitney(a, b)).toBeCloseTo(2 * (1 - normalCdf(29.5 / Math.sqrt((64 * 17) / 12))), 9);
  });

  it('is symmetric, a probability, 1 for equal samples, and knows ties', () => {
    const sample = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const p = mannWhitney(a, b);
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(mannWhitney(b, a)).toBeCloseTo(p, 12);
      }),
    );
    expect(mannWhitney([1, 1, 1], [1, 1])).toBe(1);
  });

  it('is below 5 % in 5 % of the cases where there is nothing to find, and small where there is', () => {
    const p = Array.from({ length: 2000 }, (_, k) =>
      mannWhitney(normals(15, 0, 'a', k), normals(15, 0, 'b', k)),
    );
    const share = p.filter((each) => each < 0.05).length / p.length;
    expect(share).toBeGreaterThan(0.03);
    expect(share).toBeLessThan(0.065);
    expect(mannWhitney(normals(30, 0, 'a'), normals(30, 2, 'b'))).toBeLessThan(1e-4);
  });
});

it('holm corrects step by step and keeps the order', () => {
  const corrected = holm([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((p, i) => {
    expect(corrected[i]).toBeCloseTo(p, 12);
  });
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
});

describe('meanInterval', () => {
  it('holds the true mean in about 95 % of the cases', () => {
    let held = 0;
    for (let k = 0; k < 60; k++) {
      const { low, high } = meanInterval(normals(30, 3, 'interval', k));
      if (low <= 3 && 3 <= high) held++;
    }
    expect(held / 60).toBeGreaterThan(0.85);
  });

  it('is the same twice, and open with one value', () => {
    expect(meanInterval([1, 2, 4])).toEqual(meanInterval([1, 2, 4]));
    expect(meanInterval([1])).toEqual({ mean: 1, low: Number.NaN, high: Number.NaN });
  });
});
