import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NearestIndex } from '../../../src/core/projection/nearestIndex.js';
import { stream } from '../../../src/core/random/random.js';

it('finds what looking at all points finds, ties by row', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 20 }),
      (seed, count, width, k) => {
        const random = stream(seed, 'points');
        // A coarse grid, so that there are points in the same place and equal distances.
        const values = Float32Array.from({ length: count * width }, () => random.int(5));
        const index = new NearestIndex(values, width);
        const query = Float32Array.from({ length: width }, () => random.int(5));
        const distance = (row: number) =>
          query.reduce((sum, value, i) => sum + (value - values[row * width + i]!) ** 2, 0);
        const expected = Array.from({ length: count }, (_, row) => row)
          .sort((a, b) => distance(a) - distance(b) || a - b)
          .slice(0, k);
        const found = index.find(query, 0, k);
        expect([...found.rows]).toEqual(expected);
        for (const [i, row] of expected.entries()) expect(found.distances[i]).toBe(Math.sqrt(distance(row)));
      },
    ),
  );
});
