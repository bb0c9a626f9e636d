/** The residual sum of predictor and decoder, (a + b)·√½ (REFERENCE §4): as large as its parts. */
import { HALF, ROW } from './lanes';

/** √½ in float32. */
export const SQRT_HALF: f32 = 0.7071067690849304;

/** out ← (a + b)·√½ over `rows` rows; they may be the same. */
export function addScaled(out: usize, a: usize, b: usize, rows: i32): void {
  const scale = f32x4.splat(SQRT_HALF);
  for (const end = out + <usize>rows * ROW; out < end; out += HALF, a += HALF, b += HALF) {
    v128.store(out, f32x4.mul(f32x4.add(v128.load(a), v128.load(b)), scale));
  }
}
