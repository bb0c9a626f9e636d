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
  for (let shard = 1; shard < shards; shard++) {
    const other = sums + <usize>shard * sumBytes;
    store<f64>(sums + sReconstruction, load<f64>(sums + sReconstruction) + load<f64>(other + sReconstruction));
    store<f64>(sums + sSquares, load<f64>(sums + sSquares) + load<f64>(other + sSquares));
    for (let j: usize = 16; j < sumBytes; j += 16) {
      v128.store(sums + j, f32x4.add(v128.load(sums + j), v128.load(other + j)));
    }
  }
}

/** The gradient of all parameters, in their order, from the sums. */
export function gradients(out: usize, sums: usize, parameters: usize): void {
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
    const e = parameters + embedding + <usize>token * width;
    const e_ = out + embedding + <usize>token * width;
    for (let row = 0; row < rows; row++) {
      const d = load<f32>(gates + (<usize>(token * rows + row) << 2));
      const d4 = f32x4.splat(d);
      const w = parameters + lstm + <usize>row * width;
      const w_ = out + lstm + <usize>row * width;
      for (let c: usize = 0; c < width; c += 16) {
        v128.store(w_ + c, f32x4.add(v128.load(w_ + c), f32x4.mul(d4, v128.load(e + c))));
        v128.store(e_ + c, f32x4.add(v128.load(e_ + c), f32x4.mul(d4, v128.load(w + c))));
      }
      const b_ = out + lstm + lstmBiasInput + (<usize>row << 2);
      store<f32>(b_, load<f32>(b_) + d);
    }
  }
  memory.copy(out + lstm + lstmBiasHidden, out + lstm + lstmBiasInput, <usize>rows << 2);
  memory.copy(out + lstm + lstmHidden, hidden, lstmHidden);
}

/** ‖gradient‖ over all parameters; those outside the predictor are 0 where encoder and decoder are frozen. */
export function gradientNorm(gradient: usize): f64 {
  let low = f64x2.splat(0);
  let high = low;
  const whole = parameterBytes & ~15;
  let j: usize = 0;
  for (; j < whole; j += 16) {
    const v = v128.load(gradient + j);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(v128.shuffle<f64>(v, v, 1, 1));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; j < parameterBytes; j += 4) {
    const v = <f64>load<f32>(gradient + j);
    sum += v * v;
  }
  return sqrt<f64>(sum);
}

/** parameters −= rate·gradient, `rate` = learning rate × clipping scale. */
export function descend(parameters: usize, gradient: usize, rate: f32): void {
  for (let j: usize = 0; j < parameterBytes; j += 4) {
    store<f32>(parameters + j, load<f32>(parameters + j) - rate * load<f32>(gradient + j));
  }
}
