import { stripKernel, stripRows } from './kernels.js';

/** Normalised embeddings, row-major [rows, dim]. */
export interface UnitRows {
  readonly rows: number;
  readonly dim: number;
  readonly unit: Float64Array;
}

/** What is made of rows i to i + height of a matrix; columns 0 to i + height hold dot products. */
export type StripVisitor = (i: number, height: number) => void;

/**
 * All dot products of a batch, each pair once, strip by strip: four rows of `matrix` [n, n] up to the diagonal, and a little beyond it. What is
 * made of them is made while they are in the nearest cache; the columns to the right of the strip are left to `visit`.
 */
export function forStrips({ rows: n, dim, unit }: UnitRows, matrix: Float64Array, visit: StripVisitor): void {
  const { strip, stride, fill } = stripKernel(unit, n, dim);
  for (let i = 0; i < n; i += stripRows) {
    const height = Math.min(stripRows, n - i);
    fill(i);
    for (let r = 0; r < height; r++) {
      matrix.set(strip.subarray(r * stride, r * stride + i + height), (i + r) * n);
    }
    visit(i, height);
  }
}

/** Copies a strip into the columns above it, so that the matrix becomes symmetric to the bit. */
export function mirror(matrix: Float64Array, n: number, i: number, height: number): void {
  const row = i * n;
  if (height < stripRows) {
    for (let r = 0; r < height; r++) {
      for (let j = 0; j < i; j++) matrix[j * n + i + r] = matrix[row + r * n + j];
    }
    return;
  }
  for (let j = 0, to = i; j < i; j++, to += n) {
    matrix[to] = matrix[row + j];
    matrix[to + 1] = matrix[row + n + j];
    matrix[to + 2] = matrix[row + 2 * n + j];
    matrix[to + 3] = matrix[row + 3 * n + j];
  }
}
