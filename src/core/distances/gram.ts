import { type Strips, stripRows } from './kernels.js';

/** What is made of rows i to i + height of a matrix, whose columns 0 to i + height are there. */
export type StripVisitor = (i: number, height: number) => void;

/**
 * Fills a matrix [n, n] strip by strip, four rows up to the diagonal and a little beyond it, with dot products or what `make` makes of
 * them: each pair is computed once. The columns to the right of a strip are left to `visit`.
 */
export function forStrips(
  strips: Strips,
  matrix: Float64Array,
  visit: StripVisitor,
  make: (i: number) => void = () => {},
): void {
  const { rows: n, strip, stride, fill } = strips;
  for (let i = 0; i < n; i += stripRows) {
    const height = Math.min(stripRows, n - i);
    fill(i);
    make(i);
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
