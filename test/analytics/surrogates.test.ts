import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nearest,
  nearestNeighbours,
  ridgeRegression,
  squaredDistance,
} from '../../src/analytics/surrogates.js';
import { stream } from '../../src/core/random/random.js';

const features = (rows: number, width: number, seed: number) => {
  const random = stream(seed, 'features');
  return { width, values: Float32Array.from({ length: rows * width }, () => random.normal()) };
};
const range = (from: number, to: number) => Uint32Array.from({ length: to - from }, (_, i) => from + i);

describe('surrogates', () => {
  it('ridge regression finds a linear function', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(1000), (width, seed) => {
        const x = features(120, width, seed);
        const random = stream(seed, 'weights');
        const w = Array.from({ length: width }, () => random.normal());
        const y = Float64Array.from({ length: 120 }, (_, row) =>
          w.reduce((sum, weight, k) => sum + weight * x.values[row * width + k]!, 3),
        );
        const predicted = ridgeRegression(x, range(0, 60), y, range(60, 120), 1e-12);
        for (const [i, value] of predicted.entries()) expect(value).toBeCloseTo(y[60 + i]!, 6);
      }),
      { numRuns: 30 },
    );
  });

  it('a heavier penalty predicts closer to the mean, also where features repeat each other', () => {
    const { values } = features(50, 1, 3);
    const twice = { width: 2, values: Float32Array.from({ length: 100 }, (_, i) => values[i >> 1]!) };
    const y = Float64Array.from({ length: 50 }, (_, i) => 2 * values[i]!);
    const all = range(0, 50);
    const spread = (ridge: number) =>
      ridgeRegression(twice, all, y, all, ridge).reduce((sum, value) => sum + Math.abs(value), 0);
    expect(spread(1e-9)).toBeCloseTo(
      y.reduce((sum, value) => sum + Math.abs(value), 0),
      4,
    );
    expect(spread(10)).toBeLessThan(spread(1e-9) / 3);
  });

  it('nearest rows are those of a full sort, without the row itself', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 12 }), (seed, k) => {
        const x = features(30, 3, seed);
        const rows = range(0, 30);
        const sorted = [...rows].filter((row) => row !== 4);
        sorted.sort((a, b) => squaredDistance(x, 4, a) - squaredDistance(x, 4, b));
        expect(nearest(x, 4, rows, k)).toEqual(sorted.slice(0, k));
      }),
    );
  });

  it('the nearest neighbours predict their mean', () => {
    const x = { width: 1, values: Float32Array.of(0, 1, 10, 11, 0.4) };
    const y = Float64Array.of(1, 3, 100, 100, 0);
    expect([...nearestNeighbours(x, range(0, 4), y, Uint32Array.of(4), 2)]).toEqual([2]);
  });
});
