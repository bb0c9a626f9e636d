/** Normalised embeddings, row-major [rows, dim]. */
export interface UnitRows {
  readonly rows: number;
  readonly dim: number;
  readonly unit: Float64Array;
}

/** Rows of a strip. */
const stripRows = 4;

/** What is made of rows i to i + height of a matrix; columns 0 to i + height hold dot products. */
export type StripVisitor = (i: number, height: number) => void;

/**
 * All dot products of a batch, each pair once, strip by strip: four rows of `matrix` [n, n] up to the diagonal, and a little beyond it. What is
 * made of them is made while they are in the nearest cache; the columns to the right of the strip are left to `visit`.
 */
export function forStrips({ rows: n, dim, unit }: UnitRows, matrix: Float64Array, visit: StripVisitor): void {
  const whole = n - (n % stripRows);
  for (let i = 0; i < whole; i += stripRows) {
    fillStrip(unit, n, dim, i, matrix);
    visit(i, stripRows);
  }
  for (let i = whole; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let d = 0; d < dim; d++) dot += unit[i * dim + d] * unit[j * dim + d];
      matrix[i * n + j] = dot;
    }
    visit(i, 1);
  }
}

/** Rows i to i + 3 against rows 0 to i + 3, two at a time, so that each number read is used more than once. */
function fillStrip(unit: Float64Array, n: number, dim: number, i: number, matrix: Float64Array): void {
  const i0 = i * dim;
  const i1 = i0 + dim;
  const i2 = i1 + dim;
  const i3 = i2 + dim;
  for (let j = 0; j < i + stripRows; j += 2) {
    const j0 = j * dim;
    const j1 = j0 + dim;
    let s00 = 0;
    let s01 = 0;
    let s10 = 0;
    let s11 = 0;
    let s20 = 0;
    let s21 = 0;
    let s30 = 0;
    let s31 = 0;
    for (let d = 0; d < dim; d++) {
      const x = unit[j0 + d];
      const y = unit[j1 + d];
      const a = unit[i0 + d];
      const b = unit[i1 + d];
      const c = unit[i2 + d];
      const e = unit[i3 + d];
      s00 += a * x;
      s01 += a * y;
      s10 += b * x;
      s11 += b * y;
      s20 += c * x;
      s21 += c * y;
      s30 += e * x;
      s31 += e * y;
    }
    const row = i * n + j;
    matrix[row] = s00;
    matrix[row + 1] = s01;
    matrix[row + n] = s10;
    matrix[row + n + 1] = s11;
    matrix[row + 2 * n] = s20;
    matrix[row + 2 * n + 1] = s21;
    matrix[row + 3 * n] = s30;
    matrix[row + 3 * n + 1] = s31;
  }
}

/** Copies a strip into the columns above it, so that the matrix becomes symmetric to the bit. */
export function mirror(matrix: Float64Array, n: number, i: number, height: number): void {
  const row = i * n;
  if (height < stripRows) {
    for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[row + j];
    return;
  }
  for (let j = 0, to = i; j < i; j++, to += n) {
    matrix[to] = matrix[row + j];
    matrix[to + 1] = matrix[row + n + j];
    matrix[to + 2] = matrix[row + 2 * n + j];
    matrix[to + 3] = matrix[row + 3 * n + j];
  }
}
