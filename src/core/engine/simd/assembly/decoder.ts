/**
 * The decoder over a chunk (REFERENCE §4). LSTM from h0 = c0 = arch_emb; then, at each position on its own, the *readout*:
 * y = (E[token] + h)·√½; q = W_q·y; mix = attention(q, encoder_outputs); o = tanh(W_mix·[mix; y]); logits = W_out·(y + o)·√½ + b.
 */
import { HALF, ROW, gather, scatterAdd } from './lanes';
import {
  D, L, L4, V, V4,
  aEmbedding, aMask, aOutputs, aTokens,
  kDecoder, kDecoderEmbedding, kMix, kMixT, kOut, kOutT, kQuery, kQueryT,
  lCells, lTanhCells,
  sDecoderEmbedding, sDecoderGates, sDecoderHidden, sMix, sOut, sOutBias, sQuery, sReconstruction,
  stride1, stride2, strideL, strideV,
  wAttention, wAttention_, wDecoder, wEmbedding_, wGates_, wHidden, wHidden_, wKeysT, wLogits, wMixed, wMixed_, wOutputs_, wQuery,
  wQuery_, wRow, wState_, wSum, wSum_, wTanh, wTanh_, wToken,
} from './layout';
import { lstmBackward, lstmCell, lstmForward, lstmGates } from './lstm';
import { expRows, log4, tanhRows } from './math';
import { addOuter, addSums, laneProduct, laneRow, product } from './products';
import { SQRT_HALF, addScaled } from './residual';
import { softmax, softmaxBackward } from './softmax';

/** mix ← softmax(q·outputsᵀ)·outputs of the first `count` slots; more than one wants `wKeysT`, the outputs transposed. */
function attend(workspace: usize, count: i32, outputs: usize): void {
  const query = workspace + wQuery;
  const attention = workspace + wAttention;
  const mixed = workspace + wMixed;
  if (count == 1) {
    laneRow(attention, query, outputs, ROW, stride1, L4, D);
    softmax(attention, L);
    laneRow(mixed, attention, outputs, stride1, ROW, D, L);
    return;
  }
  laneProduct(attention, strideL, query, stride1, ROW, workspace + wKeysT, strideL, count, L4, D, false);
  for (let t: usize = 0; t < <usize>count; t++) softmax(attention + t * strideL, L);
  laneProduct(mixed, stride2, attention, strideL, ROW, outputs, stride1, count, D, L, false);
}

/** Readout of `count` positions from the first slots on, given their hidden states and tokens: up to the logits. */
function readout(workspace: usize, count: i32, tokens: usize, outputs: usize, packed: usize): void {
  const mixed = workspace + wMixed;
  for (let t: usize = 0; t < <usize>count; t++) {
    const y = mixed + t * stride2 + <usize>D * ROW;
    gather(y, packed + kDecoderEmbedding, D, tokens + t * ROW);
    addScaled(y, y, workspace + wHidden + t * stride1, D);
    product(workspace + wQuery + t * stride1, packed + kQuery, y, D, D);
  }
  attend(workspace, count, outputs);
  for (let t: usize = 0; t < <usize>count; t++) {
    const mix = mixed + t * stride2;
    const o = workspace + wTanh + t * stride1;
    const z = workspace + wSum + t * stride1;
    product(o, packed + kMix, mix, D, 2 * D);
    tanhRows(o, o, D);
    addScaled(z, mix + <usize>D * ROW, o, D);
    product(workspace + wLogits + t * strideV, packed + kOut, z, V4, D);
  }
}

/** Backward of all positions; the logits' slots hold their gradients. Sets `wHidden_` and `wOutputs_`. */
function readoutBackward(workspace: usize, outputs: usize, packed: usize): void {
  const rows = <usize>D * ROW;
  const scale = f32x4.splat(SQRT_HALF);
  const one = f32x4.splat(1);
  const attention = workspace + wAttention;
  const dScores = workspace + wAttention_;
  const dMixed = workspace + wMixed_;
  const dQuery = workspace + wQuery_;
  const dOutputs = workspace + wOutputs_;
  for (let t: usize = 0; t < <usize>L; t++) {
    const o = workspace + wTanh + t * stride1;
    const dz = workspace + wSum_ + t * stride1;
    const d_o = workspace + wTanh_ + t * stride1;
    product(dz, packed + kOutT, workspace + wLogits + t * strideV, D, V);
    for (let j: usize = 0; j < rows; j += HALF) {
      const scaled = f32x4.mul(v128.load(dz + j), scale);
      const tanh = v128.load(o + j);
      v128.store(dz + j, scaled);
      v128.store(d_o + j, f32x4.mul(scaled, f32x4.sub(one, f32x4.mul(tanh, tanh))));
    }
    product(dMixed + t * stride2, packed + kMixT, d_o, 2 * D, D);
  }
  laneProduct(dScores, strideL, dMixed, stride2, ROW, workspace + wKeysT, strideL, L, L4, D, false);
  for (let t: usize = 0; t < <usize>L; t++) softmaxBackward(dScores + t * strideL, attention + t * strideL, L);
  laneProduct(dQuery, stride1, dScores, strideL, ROW, outputs, stride1, L, D, L, false);
  for (let t: usize = 0; t < <usize>L; t++) {
    const dy = dMixed + t * stride2 + rows;
    const dz = workspace + wSum_ + t * stride1;
    const dh = workspace + wHidden_ + t * stride1;
    product(dh, packed + kQueryT, dQuery + t * stride1, D, D);
    // y feeds the sum z, the mix and the query; E[token] and h share its gradient.
    for (let j: usize = 0; j < rows; j += HALF) {
      const dY = f32x4.add(f32x4.add(v128.load(dy + j), v128.load(dz + j)), v128.load(dh + j));
      v128.store(dh + j, f32x4.mul(dY, scale));
    }
  }
  // Each position of the cell gathers what all positions of the decoder hand back: Σ_t weight·dMix + dScore·q.
  laneProduct(dOutputs, stride1, attention, ROW, strideL, dMixed, stride2, L, D, L, false);
  laneProduct(dOutputs, stride1, dScores, ROW, strideL, workspace + wQuery, stride1, L, D, L, true);
}

/** keysT[f][s] ← encoder_outputs[s][f]: the products want neighbouring columns side by side. */
function transposeKeys(workspace: usize, outputs: usize): void {
  for (let s: usize = 0; s < <usize>L4; s++) {
    for (let f: usize = 0; f < <usize>D; f++) {
      const from = outputs + s * stride1 + f * ROW;
      const to = workspace + wKeysT + f * strideL + s * ROW;
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, HALF), HALF);
    }
  }
}

/**
 * logits [V4] ← scale·(softmax(logits) − onehot(target)), 0 in masked lanes; `loss` (one row) += −log softmax(logits)[target].
 */
export function crossEntropy(logits: usize, targets: usize, mask: usize, loss: usize, scale: f32): void {
  const bytes = <usize>V * ROW;
  const factor = f32x4.splat(scale);
  const one = i32x4.splat(1);
  for (let half: usize = 0; half < ROW; half += HALF) {
    const target = v128.load(targets + half);
    let max = v128.load(logits + half);
    for (let j = half + ROW; j < bytes; j += ROW) max = f32x4.pmax(v128.load(logits + j), max);
    let chosen = f32x4.splat(0);
    let row = i32x4.splat(0);
    for (let j = half; j < bytes; j += ROW) {
      const x = f32x4.sub(v128.load(logits + j), max);
      chosen = v128.bitselect(x, chosen, i32x4.eq(target, row));
      row = i32x4.add(row, one);
      v128.store(logits + j, x);
    }
    v128.store(loss + half, f32x4.sub(v128.load(loss + half), chosen));
  }
  expRows(logits, logits, V);
  for (let half: usize = 0; half < ROW; half += HALF) {
    const target = v128.load(targets + half);
    const keep = v128.load(mask + half);
    let sum = f32x4.splat(0);
    for (let j = half; j < bytes; j += ROW) sum = f32x4.add(sum, v128.load(logits + j));
    v128.store(loss + half, f32x4.add(v128.load(loss + half), log4(sum)));
    const share = f32x4.div(factor, sum);
    let row = i32x4.splat(0);
    for (let j = half; j < bytes; j += ROW) {
      const hit = v128.and(factor, i32x4.eq(target, row));
      const d = f32x4.sub(f32x4.mul(v128.load(logits + j), share), hit);
      v128.store(logits + j, v128.and(d, keep));
      row = i32x4.add(row, one);
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
  transposeKeys(workspace, outputs);
  readout(workspace, L, inputs, outputs, packed);
  for (let t: usize = 0; t < <usize>L; t++) {
    crossEntropy(workspace + wLogits + t * strideV, inputs + (t + 1) * ROW, mask, loss, scale);
  }
  addMasked(sums + sReconstruction, loss, mask);
  if (frozen) return;

  readoutBackward(workspace, outputs, packed);
  for (let t: usize = 0; t < <usize>L; t++) {
    scatterAdd(sums + sDecoderEmbedding, workspace + wHidden_ + t * stride1, D, inputs + t * ROW);
  }
  addOuter(sums + sOut, workspace + wLogits, strideV, workspace + wSum, stride1, L, V, D);
  addSums(sums + sOutBias, workspace + wLogits, strideV, L, V4);
  addOuter(sums + sMix, workspace + wTanh_, stride1, workspace + wMixed, stride2, L, D, 2 * D);
  addOuter(sums + sQuery, workspace + wQuery_, stride1, workspace + wMixed + <usize>D * ROW, stride2, L, D, D);
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
    readout(workspace, 1, token, outputs, packed);
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
