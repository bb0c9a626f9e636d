/** What the kernels read, derived from the parameters after each update. */
import { ROW } from './lanes';
import {
  D, P, V,
  kDecoder, kDecoderEmbedding, kForward, kHidden, kHidden0, kHidden0T, kHidden1, kHidden1T, kHiddenT, kMix, kMixT, kOut, kOutT,
  kProject, kProjectT, kQuery, kQueryT, kRegressor, kRegressorT, kResidual, kReverse, kZeros,
  lstmBiasHidden, lstmBiasInput, lstmHidden,
  pDecoder, pDecoderEmbedding, pEncoderEmbedding, pForward, pHidden0, pHidden0Bias, pHidden1, pHidden1Bias, pMix, pOut, pOutBias,
  pProject, pProjectBias, pQuery, pRegressor, pRegressorBias, pReverse,
} from './layout';
import { pack } from './products';

/** Derive everything packed from the parameters. */
export function packController(packed: usize, parameters: usize): void {
  const encoderEmbedding = parameters + pEncoderEmbedding;
  const decoderEmbedding = parameters + pDecoderEmbedding;
  packLstm(packed + kForward, parameters + pForward, encoderEmbedding);
  packLstm(packed + kReverse, parameters + pReverse, encoderEmbedding);
  packLstm(packed + kDecoder, parameters + pDecoder, decoderEmbedding);
  packResidual(packed + kResidual, encoderEmbedding, parameters + pProjectBias);
  memory.copy(packed + kDecoderEmbedding, decoderEmbedding, <usize>(V * D) << 2);
  packBoth(packed + kProject, packed + kProjectT, parameters + pProject, D, 2 * D, 0);
  packBoth(packed + kHidden0, packed + kHidden0T, parameters + pHidden0, P, D, parameters + pHidden0Bias);
  packBoth(packed + kHidden1, packed + kHidden1T, parameters + pHidden1, D, P, parameters + pHidden1Bias);
  packBoth(packed + kRegressor, packed + kRegressorT, parameters + pRegressor, 1, D, parameters + pRegressorBias);
  packBoth(packed + kQuery, packed + kQueryT, parameters + pQuery, D, D, 0);
  packBoth(packed + kMix, packed + kMixT, parameters + pMix, D, 2 * D, 0);
  packBoth(packed + kOut, packed + kOutT, parameters + pOut, V, D, parameters + pOutBias);
  memory.fill(packed + kZeros, 0, ROW * D);
}

/** W for the forward pass and Wᵀ, without bias, for the backward pass. */
function packBoth(forward: usize, transposed: usize, w: usize, rows: i32, cols: i32, bias: usize): void {
  pack(forward, w, rows, cols, cols, 1, bias);
  pack(transposed, w, cols, rows, 1, cols, 0);
}

/** An LSTM sees V different inputs only: gates[token] = W_ih·E[token] + b_ih + b_hh, [V][4D], replaces its input product. */
function packLstm(gates: usize, lstm: usize, embedding: usize): void {
  const biasInput = lstm + lstmBiasInput;
  const biasHidden = lstm + lstmBiasHidden;
  for (let token = 0; token < V; token++) {
    const e = embedding + (<usize>(token * D) << 2);
    for (let row = 0; row < 4 * D; row++) {
      const w = lstm + (<usize>(row * D) << 2);
      const b = <usize>row << 2;
      let sum = f32x4.splat(0);
      for (let c: usize = 0; c < <usize>D << 2; c += 16) {
        sum = f32x4.add(sum, f32x4.mul(v128.load(w + c), v128.load(e + c)));
      }
      const dot =
        f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
      store<f32>(gates + (<usize>(token * 4 * D + row) << 2), dot + (load<f32>(biasInput + b) + load<f32>(biasHidden + b)));
    }
  }
  packBoth(gates + kHidden, gates + kHiddenT, lstm + lstmHidden, 4 * D, D, 0);
}

/** residual[token] = E[token] + b, [V][D]. */
function packResidual(residual: usize, embedding: usize, bias: usize): void {
  for (let token = 0; token < V; token++) {
    for (let f = 0; f < D; f++) {
      const i = <usize>(token * D + f) << 2;
      store<f32>(residual + i, load<f32>(embedding + i) + load<f32>(bias + (<usize>f << 2)));
    }
  }
}
