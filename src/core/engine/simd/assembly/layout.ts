/**
 * Where everything of a controller lies. An instance computes for one shape at a time, set by `configure`. All positions are
 * bytes from the start of their region; the regions themselves are allotted by the host (arena.ts):
 *
 * - parameters: the controller's weights, in the order of `parameterShapes` (controller/weights.ts);
 * - packed: what the products read, derived from the parameters after each update (pack.ts);
 * - sums: a shard's gradient before it is turned into one of the parameters (update.ts), and its losses;
 * - activations: what a chunk of eight cells keeps of the encoder's forward pass for the backward pass (encoder.ts);
 * - workspace: a thread's own scratch (decoder.ts, predictor.ts, and activations that nobody keeps).
 *
 * A name's first letter tells the region (k packed, l an LSTM's state within one); a trailing _ is the gradient of what it follows.
 */
import { ROW, roundUp4 } from './lanes';
import { packedBytes } from './products';

/** Vocabulary, sequence length, embedding/hidden size and predictor width; `V4`, `L4` rounded up to a multiple of 4. */
export let V: i32 = 0;
export let L: i32 = 0;
export let D: i32 = 0;
export let P: i32 = 0;
export let V4: i32 = 0;
export let L4: i32 = 0;

/** Bytes between the positions of a sequence whose rows are D, 2D or 4D: a cache line more than they take, because powers of two fall into the same few sets. */
export let stride1: usize = 0;
export let stride2: usize = 0;
export let stride4: usize = 0;
/** The same for rows of L4 (attention) and V4 (logits). */
export let strideL: usize = 0;
export let strideV: usize = 0;

// Parameters.
export let pEncoderEmbedding: usize = 0;
export let pForward: usize = 0;
export let pReverse: usize = 0;
export let pProject: usize = 0;
export let pProjectBias: usize = 0;
export let pHidden0: usize = 0;
export let pHidden0Bias: usize = 0;
export let pHidden1: usize = 0;
export let pHidden1Bias: usize = 0;
export let pRegressor: usize = 0;
export let pRegressorBias: usize = 0;
export let pDecoder: usize = 0;
export let pDecoderEmbedding: usize = 0;
export let pQuery: usize = 0;
export let pMix: usize = 0;
export let pOut: usize = 0;
export let pOutBias: usize = 0;
/** Rounded up to whole registers. */
export let parameterBytes: usize = 0;

// An LSTM's four parameters lie one after the other: weight_ih [4D][D], weight_hh [4D][D], bias_ih [4D], bias_hh [4D].
export let lstmHidden: usize = 0;
export let lstmBiasInput: usize = 0;
export let lstmBiasHidden: usize = 0;

// Packed: for each LSTM `gates` [V][4D] = W_ih·E[token] + biases, W_hh and its transpose; for each product W and Wᵀ.
export let kForward: usize = 0;
export let kReverse: usize = 0;
export let kDecoder: usize = 0;
/** Within an LSTM's packed part; W_ih serves to make the gates only. */
export let kInput: usize = 0;
export let kHidden: usize = 0;
export let kHiddenT: usize = 0;
/** The encoder's residual with the projection's bias: E[token] + b, [V][D]. */
export let kResidual: usize = 0;
export let kDecoderEmbedding: usize = 0;
export let kProject: usize = 0;
export let kProjectT: usize = 0;
export let kHidden0: usize = 0;
export let kHidden0T: usize = 0;
export let kHidden1: usize = 0;
export let kHidden1T: usize = 0;
export let kRegressor: usize = 0;
export let kRegressorT: usize = 0;
export let kQuery: usize = 0;
export let kQueryT: usize = 0;
export let kMix: usize = 0;
export let kMixT: usize = 0;
export let kOut: usize = 0;
export let kOutT: usize = 0;
/** D rows of zeros: the initial cell state of the encoder. */
export let kZeros: usize = 0;
export let packedTotal: usize = 0;

// Sums of a shard. First the losses, two float64: Σ −log p over cells and positions, Σ (predicted − target)² over cells.
export let sReconstruction: usize = 0;
export let sSquares: usize = 0;
/** [V][4D] each: the gate gradients added up by token. */
export let sForwardGates: usize = 0;
export let sReverseGates: usize = 0;
export let sDecoderGates: usize = 0;
/** [V][D] each: what reaches the embeddings past the LSTMs. */
export let sEncoderEmbedding: usize = 0;
export let sDecoderEmbedding: usize = 0;
export let sForwardHidden: usize = 0;
export let sReverseHidden: usize = 0;
export let sDecoderHidden: usize = 0;
export let sProject: usize = 0;
export let sProjectBias: usize = 0;
export let sHidden0: usize = 0;
export let sHidden0Bias: usize = 0;
export let sHidden1: usize = 0;
export let sHidden1Bias: usize = 0;
export let sRegressor: usize = 0;
export let sRegressorBias: usize = 0;
export let sQuery: usize = 0;
export let sMix: usize = 0;
export let sOut: usize = 0;
export let sOutBias: usize = 0;
export let sumBytes: usize = 0;

// Activations of a chunk.
/** int32 [L + 1][lane]: the decoder's start token 0, then the cells' tokens. */
export let aTokens: usize = 0;
/** All ones for a lane that holds a cell, zero for one that only fills the chunk; int32 [lane]. */
export let aMask: usize = 0;
/** The two LSTMs' states, see lstm.ts. */
export let aForward: usize = 0;
export let aReverse: usize = 0;
/** Hidden states of both directions side by side, [L] × 2D rows. */
export let aHidden: usize = 0;
/** `encoder_outputs` [L4] × D rows (the rows past L are 0) and 1/norm before normalising, [L] rows. */
export let aOutputs: usize = 0;
export let aInverse: usize = 0;
/** `arch_emb`, D rows, and 1/norm of the mean, one row. */
export let aEmbedding: usize = 0;
export let aEmbeddingInverse: usize = 0;
export let activationBytes: usize = 0;

// An LSTM's state: activated gates i f g o [L] × 4D, cells and tanh(cells) [L] × D.
export let lCells: usize = 0;
export let lTanhCells: usize = 0;
let lstmBytes: usize = 0;

// Workspace of a thread.
/** Activations that are not kept. */
export let wActivations: usize = 0;
/** Decoder LSTM; hidden states [L] × D; attention weights [L] × L4; [mix; y] [L] × 2D; queries, tanh outputs, their residual sum z [L] × D; logits [L] × V4. */
export let wDecoder: usize = 0;
export let wHidden: usize = 0;
export let wAttention: usize = 0;
export let wMixed: usize = 0;
export let wQuery: usize = 0;
export let wTanh: usize = 0;
export let wSum: usize = 0;
export let wLogits: usize = 0;
/** `encoder_outputs` transposed, [D] × L4. */
export let wKeysT: usize = 0;
/** Their gradients. */
export let wGates_: usize = 0;
export let wHidden_: usize = 0;
export let wAttention_: usize = 0;
export let wMixed_: usize = 0;
export let wQuery_: usize = 0;
export let wTanh_: usize = 0;
export let wSum_: usize = 0;
/** Gradients with respect to `encoder_outputs` [L4] × D, both directions' hidden states [L] × 2D, and `arch_emb`, D rows. */
export let wOutputs_: usize = 0;
export let wBoth_: usize = 0;
export let wEmbedding_: usize = 0;
/** An LSTM's running gradients (2·D rows). */
export let wState_: usize = 0;
/** Predictor: hidden layers [P], [D], u [D], prediction; then their gradients. */
export let wLayer0: usize = 0;
export let wLayer1: usize = 0;
export let wLayer2: usize = 0;
export let wPrediction: usize = 0;
export let wLayer0_: usize = 0;
export let wLayer1_: usize = 0;
export let wLayer2_: usize = 0;
export let wPrediction_: usize = 0;
/** Single rows: tokens of a greedy step, row numbers of the chunk, running sums. */
export let wToken: usize = 0;
export let wRows: usize = 0;
export let wRow: usize = 0;
/** Of the shared LSTMs (shared.ts): hidden states [L][GROUP][D] and their numbers int32 [L][GROUP] of either one. */
export let wForwardTable: usize = 0;
export let wForwardNumbers: usize = 0;
export let wReverseTable: usize = 0;
export let wReverseNumbers: usize = 0;
/** Cell states of this step and the one before [2][GROUP][D]; int32 [GROUP]: zeros, each state's state before and its token; [GROUP][V]. */
export let wGroupCells: usize = 0;
export let wNoNumbers: usize = 0;
export let wParents: usize = 0;
export let wInputs: usize = 0;
export let wChildren: usize = 0;
/** Bytes of the hidden or cell states of a step. */
export let groupStride: usize = 0;
export let workspaceBytes: usize = 0;

/** Most cells that share the steps of the LSTMs: whole chunks, and what they leave fits into the second cache. */
export const GROUP: i32 = 128;

let cursor: usize = 0;

/** The next `bytes`, from a cache line's start. */
function take(bytes: usize): usize {
  const at = cursor;
  cursor += (bytes + 63) & ~63;
  return at;
}

/** The next `count` floats, without a gap. */
function floats(count: i32): usize {
  const at = cursor;
  cursor += <usize>count << 2;
  return at;
}

/** Set the shape: vocabulary ≥ 2, length ≥ 1, dim and predictor multiples of 4. */
export function configure(vocabulary: i32, length: i32, dim: i32, predictor: i32): void {
  if (V == vocabulary && L == length && D == dim && P == predictor) return;
  V = vocabulary;
  L = length;
  D = dim;
  P = predictor;
  V4 = roundUp4(V);
  L4 = roundUp4(L);
  stride1 = <usize>D * ROW + 64;
  stride2 = <usize>D * 2 * ROW + 64;
  stride4 = <usize>D * 4 * ROW + 64;
  strideL = <usize>L4 * ROW + 64;
  strideV = <usize>V4 * ROW + 64;
  layParameters();
  layPacked();
  laySums();
  layActivations();
  layWorkspace();
}

function layParameters(): void {
  cursor = 0;
  const lstm = 8 * D * D + 8 * D;
  lstmHidden = <usize>(4 * D * D) << 2;
  lstmBiasInput = 2 * lstmHidden;
  lstmBiasHidden = lstmBiasInput + (<usize>(4 * D) << 2);
  pEncoderEmbedding = floats(V * D);
  pForward = floats(lstm);
  pReverse = floats(lstm);
  pProject = floats(2 * D * D);
  pProjectBias = floats(D);
  pHidden0 = floats(P * D);
  pHidden0Bias = floats(P);
  pHidden1 = floats(D * P);
  pHidden1Bias = floats(D);
  pRegressor = floats(D);
  pRegressorBias = floats(1);
  pDecoder = floats(lstm);
  pDecoderEmbedding = floats(V * D);
  pQuery = floats(D * D);
  pMix = floats(2 * D * D);
  pOut = floats(V * D);
  pOutBias = floats(V);
  parameterBytes = (cursor + 15) & ~15;
}

function layPacked(): void {
  cursor = 0;
  const gates = take(<usize>(V * 4 * D) << 2);
  kInput = take(packedBytes(4 * D, D)) - gates;
  kHidden = take(packedBytes(4 * D, D)) - gates;
  kHiddenT = take(packedBytes(D, 4 * D)) - gates;
  const lstm = cursor;
  kForward = gates;
  kReverse = take(lstm);
  kDecoder = take(lstm);
  kResidual = take(<usize>(V * D) << 2);
  kDecoderEmbedding = take(<usize>(V * D) << 2);
  kProject = take(packedBytes(D, 2 * D));
  kProjectT = take(packedBytes(2 * D, D));
  kHidden0 = take(packedBytes(P, D));
  kHidden0T = take(packedBytes(D, P));
  kHidden1 = take(packedBytes(D, P));
  kHidden1T = take(packedBytes(P, D));
  kRegressor = take(packedBytes(1, D));
  kRegressorT = take(packedBytes(D, 1));
  kQuery = take(packedBytes(D, D));
  kQueryT = take(packedBytes(D, D));
  kMix = take(packedBytes(D, 2 * D));
  kMixT = take(packedBytes(2 * D, D));
  kOut = take(packedBytes(V, D));
  kOutT = take(packedBytes(D, V));
  kZeros = take(ROW * D);
  packedTotal = cursor;
}

function laySums(): void {
  cursor = 0;
  sReconstruction = 0;
  sSquares = 8;
  cursor = 16;
  sForwardGates = floats(V * 4 * D);
  sReverseGates = floats(V * 4 * D);
  sDecoderGates = floats(V * 4 * D);
  sEncoderEmbedding = floats(V * D);
  sDecoderEmbedding = floats(V * D);
  sForwardHidden = floats(4 * D * D);
  sReverseHidden = floats(4 * D * D);
  sDecoderHidden = floats(4 * D * D);
  sProject = floats(2 * D * D);
  sProjectBias = floats(D);
  sHidden0 = floats(P * D);
  sHidden0Bias = floats(P);
  sHidden1 = floats(D * P);
  sHidden1Bias = floats(D);
  sRegressor = floats(4 * D);
  sRegressorBias = floats(4);
  sQuery = floats(D * D);
  sMix = floats(2 * D * D);
  sOut = floats(V4 * D);
  sOutBias = floats(V4);
  sumBytes = (cursor + 63) & ~63;
}

function layActivations(): void {
  cursor = 0;
  const gates = take(stride4 * L);
  lCells = take(stride1 * L) - gates;
  lTanhCells = take(stride1 * L) - gates;
  lstmBytes = cursor;
  aForward = gates;
  aReverse = take(lstmBytes);
  aHidden = take(stride2 * L);
  aOutputs = take(stride1 * L4);
  aInverse = take(ROW * L);
  aEmbedding = take(ROW * D);
  aEmbeddingInverse = take(ROW);
  aTokens = take(ROW * (L + 1));
  aMask = take(ROW);
  activationBytes = cursor;
}

function layWorkspace(): void {
  cursor = 0;
  wActivations = take(activationBytes);
  wDecoder = take(lstmBytes);
  wHidden = take(stride1 * L);
  wAttention = take(strideL * L4);
  wMixed = take(stride2 * L4);
  wQuery = take(stride1 * L4);
  wTanh = take(stride1 * L);
  wSum = take(stride1 * L);
  wLogits = take(strideV * L);
  wKeysT = take(strideL * D);
  wGates_ = take(stride4 * L);
  wHidden_ = take(stride1 * L);
  wAttention_ = take(strideL * L4);
  wMixed_ = take(stride2 * L4);
  wQuery_ = take(stride1 * L4);
  wTanh_ = take(stride1 * L);
  wSum_ = take(stride1 * L);
  wOutputs_ = take(stride1 * L4);
  wBoth_ = take(stride2 * L);
  wEmbedding_ = take(ROW * D);
  wState_ = take(ROW * 2 * D);
  wLayer0 = take(ROW * P);
  wLayer1 = take(ROW * D);
  wLayer2 = take(ROW * D);
  wPrediction = take(ROW * 4);
  wLayer0_ = take(ROW * P);
  wLayer1_ = take(ROW * D);
  wLayer2_ = take(ROW * D);
  wPrediction_ = take(ROW * 4);
  wToken = take(ROW);
  wRows = take(ROW);
  wRow = take(ROW * 2);
  const numbers = <usize>GROUP << 2;
  groupStride = numbers * D;
  wForwardTable = take(groupStride * L);
  wForwardNumbers = take(numbers * L);
  wReverseTable = take(groupStride * L);
  wReverseNumbers = take(numbers * L);
  wGroupCells = take(groupStride * 2);
  wNoNumbers = take(numbers);
  wParents = take(numbers);
  wInputs = take(numbers);
  wChildren = take(numbers * V);
  workspaceBytes = cursor;
}
