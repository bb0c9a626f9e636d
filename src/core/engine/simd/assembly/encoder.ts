/**
 * The encoder over a chunk (REFERENCE §4): bidirectional LSTM → projection + embedding, L2-normalised at each position
 * (`encoder_outputs`) → mean over the positions, L2-normalised (`arch_emb`).
 */
import { HALF, LANES, ROW, gather, scatterAdd } from './lanes';
import {
  D, L, L4,
  aEmbedding, aEmbeddingInverse, aForward, aHidden, aInverse, aMask, aOutputs, aReverse, aTokens,
  kForward, kProject, kProjectT, kResidual, kReverse, kZeros,
  sEncoderEmbedding, sForwardGates, sForwardHidden, sProject, sProjectBias, sReverseGates, sReverseHidden,
  stride1, stride2,
  wBoth_, wGates_, wOutputs_, wState_, wEmbedding_,
} from './layout';
import { lstmBackward, lstmForward } from './lstm';
import { normalise, normaliseBackward } from './normalise';
import { addOuter, addProduct, addSums, product } from './products';

/**
 * Put the cells `first` … of tokens [rows][L] into the lanes. Lanes past the last cell repeat it and are masked: what they
 * compute is never stored or added.
 */
export function loadTokens(activations: usize, tokens: usize, first: i32, rows: i32): void {
  memory.fill(activations + aTokens, 0, ROW);
  for (let lane = 0; lane < LANES; lane++) {
    const inside = first + lane < rows;
    const row = inside ? first + lane : rows - 1;
    const from = tokens + (<usize>(row * L) << 2);
    const to = activations + aTokens + ROW + (<usize>lane << 2);
    for (let t: usize = 0; t < <usize>L; t++) store<i32>(to + t * ROW, load<i32>(from + (t << 2)));
    store<i32>(activations + aMask + (<usize>lane << 2), inside ? -1 : 0);
  }
}

/** Forward, from the tokens in `activations`. */
export function encoderForward(activations: usize, packed: usize): void {
  const tokens = activations + aTokens + ROW;
  const hidden = activations + aHidden;
  const zeros = packed + kZeros;
  lstmForward(activations + aForward, packed + kForward, tokens, hidden, stride2, 0, zeros, false);
  lstmForward(activations + aReverse, packed + kReverse, tokens, hidden + <usize>D * ROW, stride2, 0, zeros, true);
  project(activations, packed);
}

/** The rest of {@link encoderForward}, from the LSTMs' hidden states in `activations`. */
export function project(activations: usize, packed: usize): void {
  const tokens = activations + aTokens + ROW;
  const hidden = activations + aHidden;
  const outputs = activations + aOutputs;
  for (let t: usize = 0; t < <usize>L; t++) {
    const out = outputs + t * stride1;
    gather(out, packed + kResidual, D, tokens + t * ROW);
    addProduct(out, packed + kProject, hidden + t * stride2, D, 2 * D);
    normalise(out, activations + aInverse + t * ROW, D);
  }
  memory.fill(outputs + <usize>L * stride1, 0, <usize>(L4 - L) * stride1);
  embed(activations + aEmbedding, activations + aEmbeddingInverse, outputs);
}

/** embedding ← normalised mean of encoder_outputs over the positions. */
export function embed(embedding: usize, inverse: usize, outputs: usize): void {
  const share = f32x4.splat(<f32>1 / <f32>L);
  for (let j: usize = 0; j < <usize>D * ROW; j += HALF) {
    let sum = f32x4.splat(0);
    let p = outputs + j;
    for (let t = 0; t < L; t++, p += stride1) sum = f32x4.add(sum, v128.load(p));
    v128.store(embedding + j, f32x4.mul(sum, share));
  }
  normalise(embedding, inverse, D);
}

/**
 * Backward: from the gradients of `encoder_outputs` and `arch_emb` in the workspace (both are overwritten) to the sums.
 */
export function encoderBackward(sums: usize, workspace: usize, activations: usize, packed: usize): void {
  const tokens = activations + aTokens + ROW;
  const hidden = activations + aHidden;
  const outputs = activations + aOutputs;
  const dOutputs = workspace + wOutputs_;
  const dBoth = workspace + wBoth_;
  const dMean = workspace + wEmbedding_;
  const share = f32x4.splat(<f32>1 / <f32>L);
  normaliseBackward(dMean, activations + aEmbedding, activations + aEmbeddingInverse, D);
  for (let t: usize = 0; t < <usize>L; t++) {
    const d = dOutputs + t * stride1;
    for (let j: usize = 0; j < <usize>D * ROW; j += HALF) {
      v128.store(d + j, f32x4.add(v128.load(d + j), f32x4.mul(share, v128.load(dMean + j))));
    }
    normaliseBackward(d, outputs + t * stride1, activations + aInverse + t * ROW, D);
    scatterAdd(sums + sEncoderEmbedding, d, D, tokens + t * ROW);
    product(dBoth + t * stride2, packed + kProjectT, d, 2 * D, D);
  }
  addOuter(sums + sProject, dOutputs, stride1, hidden, stride2, L, D, 2 * D);
  addSums(sums + sProjectBias, dOutputs, stride1, L, D);
  const zeros = packed + kZeros;
  lstmBackward(
    sums + sForwardGates, sums + sForwardHidden, workspace + wState_, workspace + wGates_, dBoth,
    activations + aForward, packed + kForward, tokens, hidden, stride2, 0, zeros, false,
  );
  const side = <usize>D * ROW;
  lstmBackward(
    sums + sReverseGates, sums + sReverseHidden, workspace + wState_, workspace + wGates_, dBoth + side,
    activations + aReverse, packed + kReverse, tokens, hidden + side, stride2, 0, zeros, true,
  );
}
