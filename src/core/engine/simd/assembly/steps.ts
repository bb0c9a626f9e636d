/**
 * The work of a shard: what each method of the controller (engine.ts) does with the cells of a few chunks. A task lies in memory,
 * where every thread reads it; the host writes it (task.ts there has the same order of fields).
 */
import { HALF, LANES, ROW, gather, storeLanes } from './lanes';
import {
  D, GROUP, L, L4,
  aEmbedding, aEmbeddingInverse, aMask, aOutputs, activationBytes, configure,
  sSquares, stride1, sumBytes,
  wActivations, wEmbedding_, wOutputs_, wPrediction, wPrediction_, wRow, wRows, workspaceBytes,
} from './layout';
import { addMasked, decodeGreedily, decoderStep } from './decoder';
import { embed, encoderBackward, encoderForward, loadTokens, project } from './encoder';
import { normalise, normaliseBackward } from './normalise';
import { predictorBackward, predictorForward } from './predictor';
import { loadHidden, shareLstms } from './shared';

export enum Kind { Encode, Pretrain, Search, Embed, Predict, Propose, Reconstruct, Decode }

/** A task; addresses are 0 where a kind has no use for them. */
@unmanaged
export class Task {
  kind: Kind;
  vocabulary: i32;
  length: i32;
  dim: i32;
  predictor: i32;
  packed: usize;
  /** Scratch, one after another, a thread each. */
  workspaces: usize;
  /** Number of cells, and chunks of a shard. */
  rows: i32;
  chunks: i32;
  /** int32 [rows][L] */
  tokens: usize;
  /** One after another, a chunk each. */
  activations: usize;
  /** float32 [rows][D]: gradient of the metric loss. */
  metric: usize;
  /** float32 [rows] */
  targets: usize;
  /** One after another, a shard each. */
  sums: usize;
  /** float32 [rows][L][D]: `encoder_outputs` to be decoded; their `arch_emb` are in `embeddings`. */
  outputs: usize;
  /** Results: float32 [rows][D], float32 [rows], int32 [rows][L]. */
  embeddings: usize;
  predicted: usize;
  decoded: usize;
  /** λ of eq. 1; 1 where encoder and decoder are frozen, else 0; step of the proposal. */
  tradeoff: f32;
  frozen: i32;
  step: f32;
}

/** Do one shard of the task as thread 0, 1, … */
export function runShard(task: Task, shard: i32, thread: i32): void {
  configure(task.vocabulary, task.length, task.dim, task.predictor);
  const workspace = task.workspaces + <usize>thread * workspaceBytes;
  const kind = task.kind;
  const sums = task.sums + <usize>shard * sumBytes;
  if (kind == Kind.Pretrain || kind == Kind.Search) memory.fill(sums, 0, sumBytes);
  const first = shard * task.chunks;
  const chunks = (task.rows + LANES - 1) / LANES;
  const end = min(first + task.chunks, chunks);
  for (let chunk = first; chunk < end; chunk++) {
    if (kind == Kind.Encode) encodeChunk(task, chunk);
    else if (kind == Kind.Pretrain) pretrainChunk(task, chunk, sums, workspace);
    else if (kind == Kind.Search) searchChunk(task, chunk, sums, workspace);
    else if (kind == Kind.Decode) decodeChunk(task, chunk, workspace);
    else {
      const place = ((chunk - first) * LANES) % GROUP;
      if (place == 0) shareGroup(task, chunk, end, workspace);
      inferChunk(task, chunk, place, workspace);
    }
  }
}

/** Number of cells in the chunk. */
// @ts-ignore: decorator
@inline
function cells(task: Task, chunk: i32): i32 {
  return min(task.rows - chunk * LANES, LANES);
}

function encodeChunk(task: Task, chunk: i32): void {
  const activations = task.activations + <usize>chunk * activationBytes;
  loadTokens(activations, task.tokens, chunk * LANES, task.rows);
  encoderForward(activations, task.packed);
  const out = task.embeddings + (<usize>(chunk * LANES * D) << 2);
  storeLanes(out, activations + aEmbedding, D, cells(task, chunk));
}

/** Eq. 2 on kept activations: (1 − λ)·NLL, averaged over cells and positions, and the metric gradient that was fed in; λ = 0 but for trials. */
function pretrainChunk(task: Task, chunk: i32, sums: usize, workspace: usize): void {
  const activations = task.activations + <usize>chunk * activationBytes;
  if (task.metric) loadRows(workspace + wEmbedding_, task.metric, chunk, task, activations + aMask, workspace);
  else memory.fill(workspace + wEmbedding_, 0, <usize>D * ROW);
  const scale: f32 = (1 - task.tradeoff) / <f32>(task.rows * L);
  decoderStep(sums, workspace, activations, task.packed, scale, false);
  encoderBackward(sums, workspace, activations, task.packed);
}

/** Rows of a float32 [rows][D] array into the lanes, 0 in masked ones. */
function loadRows(out: usize, array: usize, chunk: i32, task: Task, mask: usize, workspace: usize): void {
  const index = workspace + wRows;
  for (let lane = 0; lane < LANES; lane++) {
    store<i32>(index + (<usize>lane << 2), min(chunk * LANES + lane, task.rows - 1));
  }
  gather(out, array, D, index);
  for (let j: usize = 0; j < <usize>D * ROW; j += HALF) {
    v128.store(out + j, v128.and(v128.load(out + j), v128.load(mask + (j & HALF))));
  }
}

/** Eq. 1: λ·MSE + (1 − λ)·NLL. */
function searchChunk(task: Task, chunk: i32, sums: usize, workspace: usize): void {
  const activations = workspace + wActivations;
  const packed = task.packed;
  const embedding = activations + aEmbedding;
  const mask = activations + aMask;
  loadTokens(activations, task.tokens, chunk * LANES, task.rows);
  encoderForward(activations, packed);
  predictorForward(workspace, embedding, packed);
  memory.fill(workspace + wEmbedding_, 0, <usize>D * ROW);
  // Per lane: the squared error, and its gradient 2λ/B·(predicted − target).
  const squares = workspace + wRow;
  const factor: f32 = 2 * task.tradeoff / <f32>task.rows;
  for (let lane = 0; lane < LANES; lane++) {
    const at = <usize>lane << 2;
    const row = min(chunk * LANES + lane, task.rows - 1);
    const error = load<f32>(workspace + wPrediction + at) - load<f32>(task.targets + (<usize>row << 2));
    store<f32>(squares + at, error * error);
    store<f32>(workspace + wPrediction_ + at, load<i32>(mask + at) ? factor * error : 0);
  }
  addMasked(sums + sSquares, squares, mask);
  predictorBackward(workspace + wEmbedding_, sums, workspace, embedding, packed);
  const scale: f32 = (1 - task.tradeoff) / <f32>(task.rows * L);
  decoderStep(sums, workspace, activations, packed, scale, task.frozen != 0);
  if (!task.frozen) encoderBackward(sums, workspace, activations, packed);
}

/** The LSTMs of the shard's next chunks, as many as make a group. */
function shareGroup(task: Task, chunk: i32, end: i32, workspace: usize): void {
  const first = chunk * LANES;
  const rows = min(min(end * LANES, task.rows) - first, GROUP);
  shareLstms(workspace, task.tokens + (<usize>(first * L) << 2), rows, task.packed);
}

/** What only reads the weights: embeddings, predictions, proposals, reconstructions. `place` is the chunk's first cell in its group. */
function inferChunk(task: Task, chunk: i32, place: i32, workspace: usize): void {
  const kind = task.kind;
  const packed = task.packed;
  const activations = workspace + wActivations;
  const outputs = activations + aOutputs;
  const embedding = activations + aEmbedding;
  const first = chunk * LANES;
  const count = cells(task, chunk);
  loadTokens(activations, task.tokens, first, task.rows);
  loadHidden(activations, workspace, place);
  project(activations, packed);
  if (kind == Kind.Propose) move(workspace, activations, packed, task.step);
  if (kind == Kind.Predict || kind == Kind.Propose) {
    predictorForward(workspace, embedding, packed);
    memory.copy(task.predicted + (<usize>first << 2), workspace + wPrediction, <usize>count << 2);
  }
  if (kind == Kind.Embed || kind == Kind.Propose) {
    storeLanes(task.embeddings + (<usize>(first * D) << 2), embedding, D, count);
  }
  if (kind == Kind.Reconstruct || kind == Kind.Propose) {
    decodeGreedily(task.decoded + (<usize>(first * L) << 2), workspace, outputs, embedding, activations + aMask, packed);
  }
}

/** Greedy decoding of encoder outputs that were computed elsewhere. */
function decodeChunk(task: Task, chunk: i32, workspace: usize): void {
  const activations = workspace + wActivations;
  const outputs = activations + aOutputs;
  const embedding = activations + aEmbedding;
  const mask = activations + aMask;
  const index = workspace + wRows;
  const first = chunk * LANES;
  for (let lane = 0; lane < LANES; lane++) {
    store<i32>(mask + (<usize>lane << 2), first + lane < task.rows ? -1 : 0);
  }
  loadRows(embedding, task.embeddings, chunk, task, mask, workspace);
  for (let t = 0; t < L; t++) {
    for (let lane = 0; lane < LANES; lane++) {
      store<i32>(index + (<usize>lane << 2), min(first + lane, task.rows - 1) * L + t);
    }
    gather(outputs + <usize>t * stride1, task.outputs, D, index);
  }
  memory.fill(outputs + <usize>L * stride1, 0, <usize>(L4 - L) * stride1);
  decodeGreedily(task.decoded + (<usize>(first * L) << 2), workspace, outputs, embedding, mask, task.packed);
}

/** encoder_outputs ← normalise(encoder_outputs + step·∂predict/∂encoder_outputs), and `arch_emb` anew (REFERENCE §7). */
function move(workspace: usize, activations: usize, packed: usize, step: f32): void {
  const outputs = activations + aOutputs;
  const embedding = activations + aEmbedding;
  const inverse = activations + aEmbeddingInverse;
  const d = workspace + wEmbedding_;
  const rows = <usize>D * ROW;
  predictorForward(workspace, embedding, packed);
  memory.fill(d, 0, rows);
  for (let half: usize = 0; half < ROW; half += HALF) v128.store(workspace + wPrediction_ + half, f32x4.splat(1));
  predictorBackward(d, 0, workspace, embedding, packed);
  // Through the mean every position gets the same share.
  normaliseBackward(d, embedding, inverse, D);
  const share = f32x4.splat(step / <f32>L);
  for (let t: usize = 0; t < <usize>L; t++) {
    const out = outputs + t * stride1;
    for (let j: usize = 0; j < rows; j += HALF) {
      v128.store(out + j, f32x4.add(v128.load(out + j), f32x4.mul(share, v128.load(d + j))));
    }
    normalise(out, workspace + wOutputs_, D);
  }
  embed(embedding, inverse, outputs);
}
