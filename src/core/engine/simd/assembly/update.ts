/** From the shards' sums to new weights. */
import {
  D, P, V,
  lstmBiasHidden, lstmBiasInput, lstmHidden,
  pDecoder, pDecoderEmbedding, pEncoderEmbedding, pForward, pHidden0, pHidden0Bias, pHidden1, pHidden1Bias, pMix, pOut, pOutBias,
  pProject, pProjectBias, pQuery, pRegressor, pRegressorBias, pReverse,
  parameterBytes,
  sDecoderEmbedding, sDecoderGates, sDecoderHidden, sEncoderEmbedding, sForwardGates, sForwardHidden, sHidden0, sHidden0Bias,
  sHidden1, sHidden1Bias, sMix, sOut, sOutBias, sProject, sProjectBias, sQuery, sReconstruction, sRegressor, sRegressorBias,
  sReverseGates, sReverseHidden, sSquares,
  sumBytes,
} from './layout';

/** Add the sums of all shards into those of the first, shard after shard. */
export function addShards(sums: usize, shards: i32): void {
  const end = sums + <usize>shards * sumBytes;
  let reconstruction: f64 = 0;
  let squares: f64 = 0;
  for (let shard = sums; shard < end; shard += sumBytes) {
    reconstruction += load<f64>(shard + sReconstruction);
    squares += load<f64>(shard + sSquares);
  }
  store<f64>(sums + sReconstruction, reconstruction);
  store<f64>(sums + sSquares, squares);
  for (let j: usize = 16; j < sumBytes; j += 16) {
    let sum = v128.load(sums + j);
    for (let at = sums + sumBytes + j; at < end; at += sumBytes) sum = f32x4.add(sum, v128.load(at));
    v128.store(sums + j, sum);
  }
}

/** The gradient of all parameters, in their order, from the sums; 0 in what only fills the last register. */
export function gradients(out: usize, sums: usize, parameters: usize): void {
  v128.store(out + parameterBytes - 16, f32x4.splat(0));
  memory.copy(out + pEncoderEmbedding, sums + sEncoderEmbedding, <usize>(V * D) << 2);
  memory.copy(out + pDecoderEmbedding, sums + sDecoderEmbedding, <usize>(V * D) << 2);
  lstmGradients(out, pForward, pEncoderEmbedding, sums + sForwardGates, sums + sForwardHidden, parameters);
  lstmGradients(out, pReverse, pEncoderEmbedding, sums + sReverseGates, sums + sReverseHidden, parameters);
  lstmGradients(out, pDecoder, pDecoderEmbedding, sums + sDecoderGates, sums + sDecoderHidden, parameters);
  memory.copy(out + pProject, sums + sProject, <usize>(2 * D * D) << 2);
  memory.copy(out + pProjectBias, sums + sProjectBias, <usize>D << 2);
  memory.copy(out + pHidden0, sums + sHidden0, <usize>(P * D) << 2);
  memory.copy(out + pHidden0Bias, sums + sHidden0Bias, <usize>P << 2);
  memory.copy(out + pHidden1, sums + sHidden1, <usize>(D * P) << 2);
  memory.copy(out + pHidden1Bias, sums + sHidden1Bias, <usize>D << 2);
  memory.copy(out + pRegressor, sums + sRegressor, <usize>D << 2);
  memory.copy(out + pRegressorBias, sums + sRegressorBias, 4);
  memory.copy(out + pQuery, sums + sQuery, <usize>(D * D) << 2);
  memory.copy(out + pMix, sums + sMix, <usize>(2 * D * D) << 2);
  memory.copy(out + pOut, sums + sOut, <usize>(V * D) << 2);
  memory.copy(out + pOutBias, sums + sOutBias, <usize>V << 2);
}

/**
 * The gate gradients came by token: G [V][4D]. dW_ih = Gᵀ·E, both biases get G's column sums, and E gets += G·W_ih.
 */
function lstmGradients(out: usize, lstm: usize, embedding: usize, gates: usize, hidden: usize, parameters: usize): void {
  const rows = 4 * D;
  const width = <usize>D << 2;
  memory.fill(out + lstm, 0, lstmHidden);
  memory.fill(out + lstm + lstmBiasInput, 0, <usize>rows << 2);
  for (let token = 0; token < V; token++) {
    const g = gates + (<usize>(token * rows) << 2);
    for (let c: usize = 0; c < width; c += 16) {
      const e = v128.load(parameters + embedding + <usize>token * width + c);
      const e_ = out + embedding + <usize>token * width + c;
      let w = parameters + lstm + c;
      let w_ = out + lstm + c;
      let sum = v128.load(e_);
      for (let row: usize = 0; row < <usize>rows; row++) {
        const d = v128.load32_splat(g + (row << 2));
        sum = f32x4.add(sum, f32x4.mul(d, v128.load(w)));
        v128.store(w_, f32x4.add(v128.load(w_), f32x4.mul(d, e)));
        w += width;
        w_ += width;
      }
      v128.store(e_, sum);
    }
    const b_ = out + lstm + lstmBiasInput;
    for (let j: usize = 0; j < <usize>rows << 2; j += 16) {
      v128.store(b_ + j, f32x4.add(v128.load(b_ + j), v128.load(g + j)));
    }
  }
  memory.copy(out + lstm + lstmBiasHidden, out + lstm + lstmBiasInput, <usize>rows << 2);
  memory.copy(out + lstm + lstmHidden, hidden, lstmHidden);
}

/** ‖gradient‖ over all parameters; those outside the predictor are 0 where encoder and decoder are frozen. */
export function gradientNorm(gradient: usize): f64 {
  let low = f64x2.splat(0);
  let high = low;
  for (let j: usize = 0; j < parameterBytes; j += 16) {
    const v = v128.load(gradient + j);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(v128.shuffle<f64>(v, v, 1, 1));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const both = f64x2.add(low, high);
  return sqrt<f64>(f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1));
}

/** parameters −= rate·gradient, `rate` = learning rate × clipping scale. */
export function descend(parameters: usize, gradient: usize, rate: f32): void {
  const rate4 = f32x4.splat(rate);
  for (let j: usize = 0; j < parameterBytes; j += 16) {
    v128.store(parameters + j, f32x4.sub(v128.load(parameters + j), f32x4.mul(rate4, v128.load(gradient + j))));
  }
}
