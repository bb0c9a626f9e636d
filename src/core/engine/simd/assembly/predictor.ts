/**
 * The predictor over a chunk (REFERENCE §4): r = ReLU(W1·ReLU(W0·e + b0) + b1); u = (e + r)·√½; value = sigmoid(w·u + b),
 * e = arch_emb. Dense layers of a handful of rows, once a cell: written for clarity.
 */
import { HALF, ROW } from './lanes';
import {
  D, P,
  kHidden0, kHidden0T, kHidden1, kHidden1T, kRegressor, kRegressorT,
  sHidden0, sHidden0Bias, sHidden1, sHidden1Bias, sRegressor, sRegressorBias,
  wLayer0, wLayer0_, wLayer1, wLayer1_, wLayer2, wLayer2_, wPrediction, wPrediction_,
} from './layout';
import { sigmoidRows } from './math';
import { addOuter, addSums, product } from './products';
import { SQRT_HALF, addScaled } from './residual';

/** The prediction for `embedding` [D] → workspace + wPrediction, one row (and three of no meaning). */
export function predictorForward(workspace: usize, embedding: usize, packed: usize): void {
  product(workspace + wLayer0, packed + kHidden0, embedding, P, D);
  reluRows(workspace + wLayer0, P);
  product(workspace + wLayer1, packed + kHidden1, workspace + wLayer0, D, P);
  reluRows(workspace + wLayer1, D);
  addScaled(workspace + wLayer2, embedding, workspace + wLayer1, D);
  product(workspace + wPrediction, packed + kRegressor, workspace + wLayer2, 4, D);
  sigmoidRows(workspace + wPrediction, workspace + wPrediction, 1);
}

/**
 * Backward of {@link predictorForward}: dEmbedding [D] += d. `wPrediction_` holds the gradient of the value and is overwritten.
 * `sums` = 0: no weight gradients.
 */
export function predictorBackward(dEmbedding: usize, sums: usize, workspace: usize, embedding: usize, packed: usize): void {
  const d = workspace + wPrediction_;
  const dLayer0 = workspace + wLayer0_;
  const dLayer1 = workspace + wLayer1_;
  const dLayer2 = workspace + wLayer2_;
  const one = f32x4.splat(1);
  for (let half: usize = 0; half < ROW; half += HALF) {
    const y = v128.load(workspace + wPrediction + half);
    v128.store(d + half, f32x4.mul(v128.load(d + half), f32x4.mul(y, f32x4.sub(one, y))));
  }
  // The regressor is one row; the products work on four and two.
  memory.fill(d + ROW, 0, 3 * ROW);
  product(dLayer2, packed + kRegressorT, d, D, 1);
  const scale = f32x4.splat(SQRT_HALF);
  for (let j: usize = 0; j < <usize>D * ROW; j += HALF) {
    const scaled = f32x4.mul(v128.load(dLayer2 + j), scale);
    v128.store(dLayer1 + j, scaled);
    v128.store(dEmbedding + j, f32x4.add(v128.load(dEmbedding + j), scaled));
  }
  reluBackward(dLayer1, workspace + wLayer1, D);
  product(dLayer0, packed + kHidden1T, dLayer1, P, D);
  reluBackward(dLayer0, workspace + wLayer0, P);
  if (sums) {
    addOuter(sums + sRegressor, d, 0, workspace + wLayer2, 0, 1, 1, D);
    addSums(sums + sRegressorBias, d, 0, 1, 4);
    addOuter(sums + sHidden1, dLayer1, 0, workspace + wLayer0, 0, 1, D, P);
    addSums(sums + sHidden1Bias, dLayer1, 0, 1, D);
    addOuter(sums + sHidden0, dLayer0, 0, embedding, 0, 1, P, D);
    addSums(sums + sHidden0Bias, dLayer0, 0, 1, P);
  }
  // dLayer2 is free by now.
  product(dLayer2, packed + kHidden0T, dLayer0, D, P);
  for (let j: usize = 0; j < <usize>D * ROW; j += HALF) {
    v128.store(dEmbedding + j, f32x4.add(v128.load(dEmbedding + j), v128.load(dLayer2 + j)));
  }
}

/** x ← max(x, 0); NaN stays. */
function reluRows(x: usize, rows: i32): void {
  const zero = f32x4.splat(0);
  for (const end = x + <usize>rows * ROW; x < end; x += HALF) v128.store(x, f32x4.pmax(v128.load(x), zero));
}

/** d ← d where the layer was above 0, else 0. */
function reluBackward(d: usize, layer: usize, rows: i32): void {
  const zero = f32x4.splat(0);
  for (const end = d + <usize>rows * ROW; d < end; d += HALF, layer += HALF) {
    v128.store(d, v128.and(v128.load(d), f32x4.gt(v128.load(layer), zero)));
  }
}
