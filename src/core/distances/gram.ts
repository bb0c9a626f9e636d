/**
 * All dot products of the rows of `unit` [n, dim] into `gram` [n, n], symmetric to the bit. Four rows against two at a time, so that
 * each number read is used more than once; only one triangle is computed.
 */
export function fillGram(unit: Float64Array, n: number, dim: number, gram: Float64Array): void {
  const whole = n - (n % 4);
  for (let i = 0; i < whole; i += 4) {
    const i0 = i * dim;
    const i1 = i0 + dim;
    const i2 = i1 + dim;
    const i3 = i2 + dim;
    for (let j = 0; j < i + 4; j += 2) {
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
      gram[row] = s00;
      gram[row + 1] = s01;
      gram[row + n] = s10;
      gram[row + n + 1] = s11;
      gram[row + 2 * n] = s20;
      gram[row + 2 * n + 1] = s21;
      gram[row + 3 * n] = s30;
      gram[row + 3 * n + 1] = s31;
      const column = j * n + i;
      gram[column] = s00;
      gram[column + 1] = s10;
      gram[column + 2] = s20;
      gram[column + 3] = s30;
      gram[column + n] = s01;
      gram[column + n + 1] = s11;
      gram[column + n + 2] = s21;
      gram[column + n + 3] = s31;
    }
  }
  for (let i = whole; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let s = 0;
      for (let d = 0; d < dim; d++) s += unit[i * dim + d] * unit[j * dim + d];
      gram[i * n + j] = s;
      gram[j * n + i] = s;
    }
  }
}
