import fc from 'fast-check';
import { expect, it } from 'vitest';
import { principalComponents } from '../../../src/core/statistics/principalComponents.js';

const points = fc
  .record({ rows: fc.integer({ min: 2, max: 40 }), width: fc.integer({ min: 2, max: 6 }) })
  .chain(({ rows, width }) =>
    fc.record({
      width: fc.constant(width),
      values: fc
        .array(fc.float({ noNaN: true, min: -10, max: 10 }), {
          minLength: rows * width,
          maxLength: rows * width,
        })
        .map((list) => Float32Array.from(list)),
    }),
  );

const distance = (values: Float32Array, width: number, a: number, b: number) =>
  Math.hypot(...Array.from({ length: width }, (_, i) => values[a * width + i]! - values[b * width + i]!));

it('keeps the distances; axes vary less and less, and not with one another', () => {
  fc.assert(
    fc.property(points, ({ values, width }) => {
      const { points, variances } = principalComponents(values, width);
      const rows = values.length / width;
      for (let row = 1; row < rows; row++) {
        expect(distance(points, width, 0, row)).toBeCloseTo(distance(values, width, 0, row), 3);
      }
      for (let a = 0; a < width; a++) {
        for (let b = 0; b < width; b++) {
          let covariance = 0;
          for (let row = 0; row < rows; row++) {
            covariance += (points[row * width + a]! * points[row * width + b]!) / rows;
          }
          expect(covariance).toBeCloseTo(a === b ? variances[a]! : 0, 3);
        }
        if (a > 0) expect(variances[a]!).toBeLessThanOrEqual(variances[a - 1]!);
      }
    }),
    { numRuns: 50 },
  );
});

it('finds the axis of points on a line', () => {
  const { points, variances } = principalComponents(Float32Array.of(0, 0, 3, -4, 6, -8), 2);
  expect([...points].map((value) => Math.round(1000 * value) / 1000 + 0)).toEqual([5, 0, 0, 0, -5, 0]);
  expect(variances[0]!).toBeCloseTo(50 / 3, 6);
  expect(variances[1]!).toBeCloseTo(0, 6);
});
