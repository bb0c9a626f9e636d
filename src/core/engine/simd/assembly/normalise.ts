/** L2-normalisation of [rows][lane] along the rows, lane by lane (REFERENCE §4). */
import { HALF, ROW } from './lanes';
import { mulAdd } from './mulAdd';

/** x ← x/max(‖x‖, 1e-12); `inverse` (one row) ← 1/max(‖x‖, 1e-12). */
export function normalise(x: usize, inverse: usize, rows: i32): void {
  const bytes = <usize>rows * ROW;
  for (let half: usize = 0; half < ROW; half += HALF) {
    let squares = f32x4.splat(0);
    for (let j = half; j < bytes; j += ROW) {
      const v = v128.load(x + j);
      squares = mulAdd(v, v, squares);
    }
    const norm = f32x4.pmax(f32x4.sqrt(squares), f32x4.splat(1e-12));
    const scale = f32x4.div(f32x4.splat(1), norm);
    v128.store(inverse + half, scale);
    for (let j = half; j < bytes; j += ROW) v128.store(x + j, f32x4.mul(v128.load(x + j), scale));
  }
}

/** d ← inverse·(d − x·(x·d)): through the normalisation whose result is x. */
export function normaliseBackward(d: usize, x: usize, inverse: usize, rows: i32): void {
  const bytes = <usize>rows * ROW;
  for (let half: usize = 0; half < ROW; half += HALF) {
    let along = f32x4.splat(0);
    for (let j = half; j < bytes; j += ROW) {
      along = mulAdd(v128.load(d + j), v128.load(x + j), along);
    }
    const scale = v128.load(inverse + half);
    for (let j = half; j < bytes; j += ROW) {
      const across = f32x4.sub(v128.load(d + j), f32x4.mul(v128.load(x + j), along));
      v128.store(d + j, f32x4.mul(across, scale));
    }
  }
}
