/**
 * The decoder over a chunk (REFERENCE §4). LSTM from h0 = c0 = arch_emb; then, at each position on its own, the *readout*:
 * y = (E[token] + h)·√½; q = W_q·y; mix = attention(q, encoder_outputs); o = tanh(W_mix·[mix; y]); logits = W_out·(y + o)·√½ + b.
 */
import { attentionKeysBackward, attentionMix, attentionScores, softmax, softmaxBackward } from './attention';
import { HALF, ROW, gather, scatterAdd } from './lanes';
import {
  D, L, V, V4,
  aEmbedding, aMask, aOutputs, aTokens,
  kDecoder, kDecoderEmbedding, kMix, kMixT, kOut, kOutT, kQuery, kQueryT,
  lCells, lTanhCells,
  sDecoderEmbedding, sDecoderGates, sDecoderHidden, sMix, sOut, sOutBias, sQuery, sReconstruction,
  stride1, stride2, strideL, strideV,
  wAttention, wAttention_, wDecoder, wEmbedding_, wGates_, wHidden, wHidden_, wLogits, wMixed, wMixed_, wOutputs_, wQuery,
  wQuery_, wRow, wState_, wSum, wSum_, wTanh, wTanh_, wToken,
} from './layout';
import { lstmBackward, lstmCell, lstmForward, lstmGates } from './lstm';
import { exp4, log4, tanhRows } from './math';
import { SQRT_HALF, addScaled } from './predictor';
import { addOuter, addSums, product } from './products';

/** Forward at position `t` (workspace slot), given the hidden state there. */
function readout(workspace: usize, t: usize, h: usize, tokens: usize, outputs: usize, packed: usize): void {
  const mix = workspace + wMixed + t * stride2;
  const y = mix + <usize>D * ROW;
  const q = workspace + wQuery + t * stride1;
  const attention = workspace + wAttention + t * strideL;
  const o = workspace + wTanh + t * stride1;
  const z = workspace + wSum + t * stride1;
  gather(y, packed + kDecoderEmbedding, D, tokens);
  addScaled(y, y, h, D);
  product(q, packed + kQuery, y, D, D);
  attentionScores(attention, q, outputs);
  softmax(attention, L);
  attentionMix(mix, attention, outputs);
  product(o, packed + kMix, mix, D, 2 * D);
  tanhRows(o, D);
  addScaled(z, y, o, D);
  product(workspace + wLogits + t * strideV, packed + kOut, z, V4, D);
}

/** Backward at position `t`; the logits' slot holds their gradient. */
function readoutBackward(workspace: usize, t: usize, outputs: usize, packed: usize): void {
  const rows = <usize>D * ROW;
  const scale = f32x4.splat(SQRT_HALF);
  const one = f32x4.splat(1);
  const o = workspace + wTanh + t * stride1;
  const dz = workspace + wSum_ + t * stride1;
  const d_o = workspace + wTanh_ + t * stride1;
  const dMix = workspace + wMixed_ + t * stride2;
  const dy = dMix + rows;
  const dq = workspace + wQuery_ + t * stride1;
  const dh = workspace + wHidden_ + t * stride1;
  const attention = workspace + wAttention + t * strideL;
  const dScores = workspace + wAttention_ + t * strideL;

  product(dz, packed + kOutT, workspace + wLogits + t * strideV, D, V);
  for (let j: usize = 0; j < rows; j += HALF) {
    const scaled = f32x4.mul(v128.load(dz + j), scale);
    const tanh = v128.load(o + j);
    v128.store(dz + j, scaled);
    v128.store(d_o + j, f32x4.mul(scaled, f32x4.sub(one, f32x4.mul(tanh, tanh))));
  }
  product(dMix, packed + kMixT, d_o, 2 * D, D);
  attentionScores(dScores, dMix, outputs);
  softmaxBackward(dScores, attention, L);
  attentionMix(dq, dScores, outputs);
  product(dh, packed + kQueryT, dq, D, D);
  // y feeds the sum z, the mix and the query; E[token] and h share its gradient.
  for (let j: usize = 0; j < rows; j += HALF) {
    const dY = f32x4.add(f32x4.add(v128.load(dy + j), v128.load(dz + j)), v128.load(dh + j));
    v128.store(dh + j, f32x4.mul(dY, scale));
  }
}

/**
 * logits [V4] ← scale·(softmax(logits) − onehot(target)), 0 in masked lanes; `loss` (one row) += −log softmax(logits)[target].
 */
export function crossEntropy(logits: usize, targets: usize, mask: usize, loss: usize, scale: f32): void {
  const bytes = <usize>V * ROW;
  const factor = f32x4.splat(scale);
  for (let half: usize = 0; half < ROW; half += HALF) {
    const target = v128.load(targets + half);
    let max = v128.load(logits + half);
    for (let j = half + ROW; j < bytes; j += ROW) max = f32x4.pmax(v128.load(logits + j), max);
    let sum = f32x4.splat(0);
    let chosen = sum;
    let row = i32x4.splat(0);
    for (let j = half; j < bytes; j += ROW) {
      const x = f32x4.sub(v128.load(logits + j), max);
      const e = exp4(x);
      sum = f32x4.add(sum, e);
      chosen = v128.bitselect(x, chosen, i32x4.eq(target, row));
      row = i32x4.add(row, i32x4.splat(1));
      v128.store(logits + j, e);
    }
    v128.store(loss + half, f32x4.add(v128.load(loss + half), f32x4.sub(log4(sum), chosen)));
    const share = f32x4.div(factor, sum);
    const keep = v128.load(mask + half);
    row = i32x4.splat(0);
    for (let j = half; j < bytes; j += ROW) {
      const hit = v128.and(factor, i32x4.eq(target, row));
      const d = f32x4.sub(f32x4.mul(v128.load(logits + j), share), hit);
      v128.store(logits + j, v128.and(d, keep));
      row = i32x4.add(row, i32x4.splat(1));
    }
  }
}

/**
 * Teacher-forced reconstruction of the chunk's own tokens, and its gradient: adds Σ −log p to the sums' loss and, unless `frozen`,
 * scale·∂/∂weights to the sums; sets `wOutputs_` and adds to `wEmbedding_`.
 */
export function decoderStep(
  sums: usize, workspace: usize, activations: usize, packed: usize, scale: f32, frozen: bool,
): void {
  // Inputs are the start token and all tokens but the last; targets are the tokens.
  const inputs = activations + aTokens;
  const outputs = activations + aOutputs;
  const embedding = activations + aEmbedding;
  const mask = activations + aMask;
  const loss = workspace + wRow;
  const lstm = packed + kDecoder;
  memory.fill(loss, 0, ROW);
  lstmForward(workspace + wDecoder, lstm, inputs, workspace + wHidden, stride1, embedding, embedding, false);
  for (let t: usize = 0; t < <usize>L; t++) {
    readout(workspace, t, workspace + wHidden + t * stride1, inputs + t * ROW, outputs, packed);
    crossEntropy(workspace + wLogits + t * strideV, inputs + (t + 1) * ROW, mask, loss, scale);
    if (frozen) continue;
    readoutBackward(workspace, t, outputs, packed);
    scatterAdd(sums + sDecoderEmbedding, workspace + wHidden_ + t * stride1, D, inputs + t * ROW);
  }
  addMasked(sums + sReconstruction, loss, mask);
  if (frozen) return;

  addOuter(sums + sOut, workspace + wLogits, strideV, workspace + wSum, stride1, L, V, D);
  addSums(sums + sOutBias, workspace + wLogits, strideV, L, V4);
  addOuter(sums + sMix, workspace + wTanh_, stride1, workspace + wMixed, stride2, L, D, 2 * D);
  addOuter(sums + sQuery, workspace + wQuery_, stride1, workspace + wMixed + <usize>D * ROW, stride2, L, D, D);
  attentionKeysBackward(
    workspace + wOutputs_, workspace + wAttention, workspace + wAttention_, workspace + wMixed_, workspace + wQuery,
  );
  lstmBackward(
    sums + sDecoderGates, sums + sDecoderHidden, workspace + wState_, workspace + wGates_, workspace + wHidden_,
    workspace + wDecoder, lstm, inputs, workspace + wHidden, stride1, embedding, embedding, false,
  );
  const dEmbedding = workspace + wEmbedding_;
  const dState = workspace + wState_;
  const rows = <usize>D * ROW;
  for (let j: usize = 0; j < rows; j += HALF) {
    const both = f32x4.add(v128.load(dState + j), v128.load(dState + rows + j));
    v128.store(dEmbedding + j, f32x4.add(v128.load(dEmbedding + j), both));
  }
}

/** total (float64) += the row's lanes that hold a cell, lane after lane. */
export function addMasked(total: usize, row: usize, mask: usize): void {
  let sum = load<f64>(total);
  for (let lane: usize = 0; lane < ROW; lane += 4) {
    if (load<i32>(mask + lane)) sum += <f64>load<f32>(row + lane);
  }
  store<f64>(total, sum);
}

/** Greedy decoding from `outputs` and `embedding`: L tokens a cell into decoded [rows][L], for lanes that hold a cell. */
export function decodeGreedily(
  decoded: usize, workspace: usize, outputs: usize, embedding: usize, mask: usize, packed: usize,
): void {
  const lstm = packed + kDecoder;
  const token = workspace + wToken;
  const gates = workspace + wDecoder;
  const cells = gates + lCells;
  const h = workspace + wHidden;
  memory.fill(token, 0, ROW);
  let previous = embedding;
  let c = embedding;
  for (let t = 0; t < L; t++) {
    lstmGates(gates, lstm, token, previous);
    lstmCell(cells, gates + lTanhCells, h, gates, c);
    previous = h;
    c = cells;
    readout(workspace, 0, h, token, outputs, packed);
    argmax(token, workspace + wLogits, V);
    for (let lane: usize = 0; lane < 8; lane++) {
      const at = lane << 2;
      if (load<i32>(mask + at)) store<i32>(decoded + ((lane * L + t) << 2), load<i32>(token + at));
    }
  }
}

/** index[lane] ← the first row with the largest x[row][lane]; 0 where nothing compares (NaN). */
export function argmax(index: usize, x: usize, rows: i32): void {
  for (let half: usize = 0; half < ROW; half += HALF) {
    let best = v128.load(x + half);
    let at = i32x4.splat(0);
    for (let row = 1; row < rows; row++) {
      const value = v128.load(x + half + <usize>row * ROW);
      const larger = f32x4.gt(value, best);
      best = v128.bitselect(value, best, larger);
      at = v128.bitselect(i32x4.splat(row), at, larger);
    }
    v128.store(index + half, at);
  }
}
