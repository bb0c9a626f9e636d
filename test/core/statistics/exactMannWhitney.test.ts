import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterDifference } from '../../../src/core/statistics/clusterBootstrap.js';
import { exactMannWhitney } from '../../../src/core/statistics/exactMannWhitney.js';
import { mannWhitney } from '../../../src/core/statistics/mannWhitney.js';
import { mean, standardDeviation } from '../../../src/core/statistics/moments.js';

/** The same by trying all ways of dealing the values out. */
function bruteForce(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b];
  const rank = (value: number) =>
    all.filter((other) => other < value).length + (all.filter((other) => other === value).length + 1) / 2;
  const ranks = all.map(rank);
  const center = (a.length * (all.length + 1)) / 2;
  const distance = (mask: number) =>
    Math.abs(ranks.reduce((sum, each, i) => sum + (mask & (1 << i) ? each : 0), 0) - center);
  const masks = Array.from({ length: 2 ** all.length }, (_, mask) => mask).filter(
    (mask) => all.filter((_, i) => mask & (1 << i)).length === a.length,
  );
  const found = distance(2 ** a.length - 1);
  return masks.filter((mask) => distance(mask) >= found - 1e-9).length / masks.length;
}

describe('the exact Mann–Whitney test', () => {
  it('has the smallest p that five against five can have: 2 of 252', () => {
    expect(exactMannWhitney([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])).toBeCloseTo(2 / 252, 12);
    // scipy.stats.mannwhitneyu([1, 4, 6, 7], [2, 3, 5], method='exact')
    expect(exactMannWhitney([1, 4, 6, 7], [2, 3, 5])).toBeCloseTo(0.6285714285714286, 12);
  });

  it('is what all ways of dealing out give, ties included', () => {
    const values = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(exactMannWhitney(a, b)).toBeCloseTo(bruteForce(a, b), 10);
      }),
      { numRuns: 50 },
    );
  });

  it('is near its normal approximation for samples of twenty', () => {
    const a = Array.from({ length: 20 }, (_, i) => i * 1.1);
    const b = Array.from({ length: 20 }, (_, i) => i + 3.05);
    expect(Math.abs(exactMannWhitney(a, b) - mannWhitney(a, b))).toBeLessThan(0.01);
  });

  it('is 1 where all are equal, NaN where a sample is empty', () => {
    expect(exactMannWhitney([1, 1], [1, 1, 1])).toBe(1);
    expect(exactMannWhitney([], [1])).toBeNaN();
  });
});

describe('the cluster bootstrap', () => {
  it('is wider than that of values where those of a cluster are alike', () => {
    const clusters = (shift: number) =>
      [0, 1, 2, 3, 4].map((c) => Array.from({ length: 8 }, () => c + shift));
    const apart = (shift: number) => clusters(shift).flatMap((each) => each.map((value) => [value]));
    const [clustered, single] = [
      clusterDifference(clusters(1), clusters(0)),
      clusterDifference(apart(1), apart(0)),
    ];
    expect(clustered.mean).toBeCloseTo(1, 12);
    expect(single.mean).toBeCloseTo(1, 12);
    expect(clustered.high - clustered.low).toBeGreaterThan(2 * (single.high - single.low));
    expect(clusterDifference(clusters(1), clusters(0))).toEqual(clustered);
  });

  it('has no interval for one cluster', () => {
    expect(clusterDifference([[1, 2]], [[0], [1]])).toEqual({ mean: 1, low: Number.NaN, high: Number.NaN });
  });
});

it('mean and sample standard deviation', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(standardDeviation([1, 2, 6])).toBeCloseTo(Math.sqrt(7), 12);
  expect(standardDeviation([1])).toBeNaN();
});
