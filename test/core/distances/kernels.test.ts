import { expect, test } from 'vitest';
import { mixKernel, stripKernel, stripRows } from '../../../src/core/distances/kernels.js';
import { stream } from '../../../src/core/random/random.js';

/** Shapes around the kernels' fours, the usual one's neighbour, and sizes that make the memory grow. */
const shapes = [
  [1, 1],
  [3, 4],
  [4, 3],
  [9, 5],
  [70, 16],
  [101, 17],
] as const;

const numbers = (name: string, count: number) => {
  const random = stream(1, 'distances', name, count);
  return Float64Array.from({ length: count }, () => random.normal());
};

test.each(shapes)('%i rows of %i: dot products are those of a plain loop, to the bit', (rows, dim) => {
  const unit = numbers('unit', rows * dim);
  const { strip, stride, fill } = stripKernel(unit, rows, dim);
  for (let i = 0; i < rows; i += stripRows) {
    fill(i);
    for (let r = 0; r < stripRows && i + r < rows; r++) {
      for (let j = 0; j < Math.min(rows, i + stripRows); j++) {
        let dot = 0;
        for (let d = 0; d < dim; d++) dot += unit[(i + r) * dim + d]! * unit[j * dim + d]!;
        expect(strip[r * stride + j]).toBe(dot);
      }
    }
  }
});

test.each(shapes)('%i rows of %i: (W + Wᵀ)·U and sums of W − Wᵀ, to the bit', (rows, dim) => {
  const unit = numbers('unit', rows * dim);
  // Two thirds are 0, as in mined weights, so that columns are left out.
  const weights = numbers('weights', rows * rows).map((w) => (Math.abs(w) < 1 ? 0 : w));
  // What an earlier call leaves in the scratch memory must not matter.
  mixKernel(numbers('other', 300 * 300).fill(Number.NaN), numbers('other', 300 * 20), 300, 20).mix(0);
  const { skew, sums, width, mix, multiply, columns } = mixKernel(weights, unit, rows, dim);
  for (let i = 0; i < rows; i++) {
    const count = mix(i);
    multiply(count);
    for (let r = 0; r < stripRows && i + r < rows; r++) {
      const row = i + r;
      let difference = 0;
      for (let j = 0; j < rows; j++) difference += weights[row * rows + j]! - weights[j * rows + row]!;
      expect(skew[r]).toBe(difference);
      for (let d = 0; d < dim; d++) {
        let sum = 0;
        for (let j = 0; j < rows; j++) {
          sum += (weights[row * rows + j]! + weights[j * rows + row]!) * unit[j * dim + d]!;
        }
        expect(sums[r * width + d]).toBe(sum);
      }
    }
    const mixed = (j: number) =>
      Array.from({ length: Math.min(stripRows, rows - i) }, (_, r) => i + r).some(
        (row) => weights[row * rows + j]! + weights[j * rows + row]! !== 0,
      );
    const needed = Array.from({ length: rows }, (_, j) => j).filter(mixed);
    expect([...columns.subarray(0, count)]).toEqual(needed);
  }
});
