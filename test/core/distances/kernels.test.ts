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
  const { strip, stride, fill } = stripKernel({ rows, dim, unit, square: new Float64Array(rows) });
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

test.each(shapes)('%i rows of %i: squared and directed distances, to the bit', (rows, dim) => {
  const unit = numbers('unit', rows * dim);
  // Rows that are equal, and rows so near that the expanded square has no digits left.
  for (let d = 0; d < dim; d++) {
    if (rows > 2) unit[2 * dim + d] = unit[d]!;
    if (rows > 8) unit[8 * dim + d] = unit[dim + d]! + 1e-5;
  }
  const dot = (i: number, j: number) => {
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += unit[i * dim + d]! * unit[j * dim + d]!;
    return sum;
  };
  const square = Float64Array.from({ length: rows }, (_, i) => dot(i, i));
  const squared = (i: number, j: number) => {
    const expanded = square[i]! + square[j]! - 2 * dot(i, j);
    if (expanded > 1e-4) return expanded;
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += (unit[i * dim + d]! - unit[j * dim + d]!) ** 2;
    return sum;
  };
  // So large that some roots are of negative numbers: those are 0.
  const shift = numbers('shift', rows);
  const constant = 0.25;
  const directed = (i: number, j: number) =>
    Math.sqrt(Math.max(0, squared(i, j) + (shift[i]! + constant - shift[j]!)));
  const { strip, stride, turned, shifts, fill, squares, direct } = stripKernel({ rows, dim, unit, square });
  shifts.set(shift);
  for (let i = 0; i < rows; i += stripRows) {
    const rowsOf = (value: (i: number, j: number) => number) =>
      Array.from({ length: Math.min(stripRows, rows - i) }, (_, r) =>
        Array.from({ length: Math.min(rows, i + stripRows) }, (_, j) => value(i + r, j)),
      );
    const filled = () => rowsOf((row, j) => strip[(row - i) * stride + j]!);
    fill(i);
    squares(i);
    expect(filled()).toEqual(rowsOf(squared));
    direct(i, constant);
    expect(filled()).toEqual(rowsOf(directed));
    expect(rowsOf((row, j) => turned[j * stripRows + row - i]!)).toEqual(
      rowsOf((row, j) => directed(j, row)),
    );
  }
});
