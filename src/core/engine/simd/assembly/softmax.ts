/** Softmax over rows, lane by lane: the decoder's attention weights (REFERENCE §4: unscaled, unmasked). */
import { HALF, ROW } from './lanes';
import { expRows } from './math';
import { mulAdd } from './mulAdd';

/** Softmax over the first `rows` rows, lane by lane, in place. */
export function softmax(x: usize, rows: i32): void {
  const bytes = <usize>rows * ROW;
  let maxA = v128.load(x);
  let maxB = v128.load(x, HALF);
  for (let p = x + ROW; p < x + bytes; p += ROW) {
    maxA = f32x4.pmax(v128.load(p), maxA);
    maxB = f32x4.pmax(v128.load(p, HALF), maxB);
  }
  for (let p = x; p < x + bytes; p += ROW) {
    v128.store(p, f32x4.sub(v128.load(p), maxA));
    v128.store(p, f32x4.sub(v128.load(p, HALF), maxB), HALF);
  }
  expRows(x, x, rows);
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  for (let p = x; p < x + bytes; p += ROW) {
    sumA = f32x4.add(sumA, v128.load(p));
    sumB = f32x4.add(sumB, v128.load(p, HALF));
  }
  const one = f32x4.splat(1);
  const scaleA = f32x4.div(one, sumA);
  const scaleB = f32x4.div(one, sumB);
  for (let p = x; p < x + bytes; p += ROW) {
    v128.store(p, f32x4.mul(v128.load(p), scaleA));
    v128.store(p, f32x4.mul(v128.load(p, HALF), scaleB), HALF);
  }
}

/** d ← y·(d − Σ y·d) over the first `rows` rows: through the softmax whose result is y. */
export function softmaxBackward(d: usize, y: usize, rows: i32): void {
  const bytes = <usize>rows * ROW;
  for (let half: usize = 0; half < ROW; half += HALF) {
    let sum = f32x4.splat(0);
    for (let j = half; j < bytes; j += ROW) {
      sum = mulAdd(v128.load(y + j), v128.load(d + j), sum);
    }
    for (let j = half; j < bytes; j += ROW) {
      v128.store(d + j, f32x4.mul(v128.load(y + j), f32x4.sub(v128.load(d + j), sum)));
    }
  }
}
