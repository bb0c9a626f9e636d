/** What the kernels read, derived from the parameters after each update. */
import { ROW } from './lanes';
import {
  D, P, V,
  kDecoder, kDecoderEmbedding, kForward, kHidden, kHidden0, kHidden0T, kHidden1, kHidden1T, kHiddenT, kInput, kMix, kMixT, kOut, kOutT,
  kProject, kProjectT, kQuery, kQueryT, kRegressor, kRegressorT, kResidual, kReverse, kZeros,
  lstmBiasHidden, lstmBiasInput, lstmHidden,
  pDecoder, pDecoderEmbedding, pEncoderEmbedding, pForward, pHidden0, pHidden0Bias, pHidden1, pHidden1Bias, pMix, pOut, pOutBias,
  pProject, pProjectBias, pQuery, pRegressor, pRegressorBias, pReverse,
} from './layout';
import { pack, packTransposed, productRows } from './products';

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
  pack(forward, w, rows, cols, bias);
  packTransposed(transposed, w, rows, cols);
}

/** An LSTM sees V different inputs only: gates[token] = W_ih·E[token] + b_ih + b_hh, [V][4D], replaces its input product. */
function packLstm(gates: usize, lstm: usize, embedding: usize): void {
  const input = gates + kInput;
  pack(input, lstm, 4 * D, D, lstm + lstmBiasInput);
  productRows(gates, input, embedding, V, 4 * D, D);
  for (let token = 0; token < V; token++) addRow(gates + (<usize>(token * 4 * D) << 2), lstm + lstmBiasHidden, 4 * D);
  packBoth(gates + kHidden, gates + kHiddenT, lstm + lstmHidden, 4 * D, D, 0);
}

/** residual[token] = E[token] + b, [V][D]. */
function packResidual(residual: usize, embedding: usize, bias: usize): void {
  memory.copy(residual, embedding, <usize>(V * D) << 2);
  for (let token = 0; token < V; token++) addRow(residual + (<usize>(token * D) << 2), bias, D);
}

/** out[i] += x[i] for i < width, a multiple of 4. */
function addRow(out: usize, x: usize, width: i32): void {
  for (let j: usize = 0; j < <usize>width << 2; j += 16) {
    v128.store(out + j, f32x4.add(v128.load(out + j), v128.load(x + j)));
  }
}
