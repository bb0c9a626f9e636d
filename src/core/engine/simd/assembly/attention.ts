/**
 * Dot-product attention of the decoder over `encoder_outputs` (REFERENCE §4): unscaled, unmasked, every position of the cell.
 * Each lane attends to its own cell, so keys are rows of lanes as well. Keys are [L4] × D (rows past L are 0), weights [L4].
 */
import { HALF, ROW } from './lanes';
import { D, L, L4, stride1, stride2, strideL } from './layout';
import { expRows } from './math';

/** weights[s][lane] = Σ_f q[f][lane]·keys[s][f][lane], for all s < L4. */
export function attentionScores(weights: usize, q: usize, keys: usize): void {
  const stop = <usize>D * ROW;
  for (let s = 0; s < L4; s += 4) {
    const k0 = keys + <usize>s * stride1;
    const k1 = k0 + stride1;
    const k2 = k1 + stride1;
    const k3 = k2 + stride1;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let f: usize = 0; f < stop; f += ROW) {
      const u = v128.load(q + f);
      const v = v128.load(q + f, HALF);
      a0 = f32x4.add(a0, f32x4.mul(u, v128.load(k0 + f)));
      b0 = f32x4.add(b0, f32x4.mul(v, v128.load(k0 + f, HALF)));
      a1 = f32x4.add(a1, f32x4.mul(u, v128.load(k1 + f)));
      b1 = f32x4.add(b1, f32x4.mul(v, v128.load(k1 + f, HALF)));
      a2 = f32x4.add(a2, f32x4.mul(u, v128.load(k2 + f)));
      b2 = f32x4.add(b2, f32x4.mul(v, v128.load(k2 + f, HALF)));
      a3 = f32x4.add(a3, f32x4.mul(u, v128.load(k3 + f)));
      b3 = f32x4.add(b3, f32x4.mul(v, v128.load(k3 + f, HALF)));
    }
    const out = weights + <usize>s * ROW;
    v128.store(out, a0, 0 * ROW);
    v128.store(out, b0, 0 * ROW + HALF);
    v128.store(out, a1, 1 * ROW);
    v128.store(out, b1, 1 * ROW + HALF);
    v128.store(out, a2, 2 * ROW);
    v128.store(out, b2, 2 * ROW + HALF);
    v128.store(out, a3, 3 * ROW);
    v128.store(out, b3, 3 * ROW + HALF);
  }
}

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
  expRows(x, rows);
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
      sum = f32x4.add(sum, f32x4.mul(v128.load(y + j), v128.load(d + j)));
    }
    for (let j = half; j < bytes; j += ROW) {
      v128.store(d + j, f32x4.mul(v128.load(y + j), f32x4.sub(v128.load(d + j), sum)));
    }
  }
}

/** out[f][lane] = Σ_{s<L} weights[s][lane]·keys[s][f][lane] */
export function attentionMix(out: usize, weights: usize, keys: usize): void {
  const stop = weights + <usize>L * ROW;
  for (let f: usize = 0; f < <usize>D * ROW; f += 4 * ROW) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let k = keys + f;
    for (let w = weights; w < stop; w += ROW, k += stride1) {
      const u = v128.load(w);
      const v = v128.load(w, HALF);
      a0 = f32x4.add(a0, f32x4.mul(u, v128.load(k, 0 * ROW)));
      b0 = f32x4.add(b0, f32x4.mul(v, v128.load(k, 0 * ROW + HALF)));
      a1 = f32x4.add(a1, f32x4.mul(u, v128.load(k, 1 * ROW)));
      b1 = f32x4.add(b1, f32x4.mul(v, v128.load(k, 1 * ROW + HALF)));
      a2 = f32x4.add(a2, f32x4.mul(u, v128.load(k, 2 * ROW)));
      b2 = f32x4.add(b2, f32x4.mul(v, v128.load(k, 2 * ROW + HALF)));
      a3 = f32x4.add(a3, f32x4.mul(u, v128.load(k, 3 * ROW)));
      b3 = f32x4.add(b3, f32x4.mul(v, v128.load(k, 3 * ROW + HALF)));
    }
    v128.store(out + f, a0, 0 * ROW);
    v128.store(out + f, b0, 0 * ROW + HALF);
    v128.store(out + f, a1, 1 * ROW);
    v128.store(out + f, b1, 1 * ROW + HALF);
    v128.store(out + f, a2, 2 * ROW);
    v128.store(out + f, b2, 2 * ROW + HALF);
    v128.store(out + f, a3, 3 * ROW);
    v128.store(out + f, b3, 3 * ROW + HALF);
  }
}

/**
 * dKeys[s][f] = Σ_t weights[t][s]·dMix[t][f] + dScores[t][s]·q[t][f], lane by lane: what all L positions of the decoder hand
 * back to `encoder_outputs`. `dMix` is [L] × 2D (its first D rows count).
 */
export function attentionKeysBackward(dKeys: usize, weights: usize, dScores: usize, dMix: usize, q: usize): void {
  for (let half: usize = 0; half < ROW; half += HALF) {
    for (let s: usize = 0; s < <usize>L4; s += 4) {
      for (let f: usize = 0; f < <usize>D; f += 2) {
        let a0 = f32x4.splat(0);
        let a1 = a0;
        let a2 = a0;
        let a3 = a0;
        let b0 = a0;
        let b1 = a0;
        let b2 = a0;
        let b3 = a0;
        let w = weights + half + s * ROW;
        let d = dScores + half + s * ROW;
        let m = dMix + half + f * ROW;
        let p = q + half + f * ROW;
        for (let t = 0; t < L; t++) {
          let u = v128.load(m);
          let v = v128.load(m, ROW);
          const w0 = v128.load(w, 0 * ROW);
          a0 = f32x4.add(a0, f32x4.mul(u, w0));
          b0 = f32x4.add(b0, f32x4.mul(v, w0));
          const w1 = v128.load(w, 1 * ROW);
          a1 = f32x4.add(a1, f32x4.mul(u, w1));
          b1 = f32x4.add(b1, f32x4.mul(v, w1));
          const w2 = v128.load(w, 2 * ROW);
          a2 = f32x4.add(a2, f32x4.mul(u, w2));
          b2 = f32x4.add(b2, f32x4.mul(v, w2));
          const w3 = v128.load(w, 3 * ROW);
          a3 = f32x4.add(a3, f32x4.mul(u, w3));
          b3 = f32x4.add(b3, f32x4.mul(v, w3));
          u = v128.load(p);
          v = v128.load(p, ROW);
          const d0 = v128.load(d, 0 * ROW);
          a0 = f32x4.add(a0, f32x4.mul(u, d0));
          b0 = f32x4.add(b0, f32x4.mul(v, d0));
          const d1 = v128.load(d, 1 * ROW);
          a1 = f32x4.add(a1, f32x4.mul(u, d1));
          b1 = f32x4.add(b1, f32x4.mul(v, d1));
          const d2 = v128.load(d, 2 * ROW);
          a2 = f32x4.add(a2, f32x4.mul(u, d2));
          b2 = f32x4.add(b2, f32x4.mul(v, d2));
          const d3 = v128.load(d, 3 * ROW);
          a3 = f32x4.add(a3, f32x4.mul(u, d3));
          b3 = f32x4.add(b3, f32x4.mul(v, d3));
          w += strideL;
          d += strideL;
          m += stride2;
          p += stride1;
        }
        let out = dKeys + half + s * stride1 + f * ROW;
        v128.store(out, a0);
        v128.store(out, b0, ROW);
        out += stride1;
        v128.store(out, a1);
        v128.store(out, b1, ROW);
        out += stride1;
        v128.store(out, a2);
        v128.store(out, b2, ROW);
        out += stride1;
        v128.store(out, a3);
        v128.store(out, b3, ROW);
      }
    }
  }
}
