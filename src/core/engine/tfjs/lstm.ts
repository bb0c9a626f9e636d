import type { Ops } from './ops.js';
import type { Value } from './program.js';

/**
 * One LSTM layer over time-major input. TensorFlow's op of version 2 has the gate columns i, f, g, o as PyTorch does.
 * Its first input is the number of steps, and a value above the length of x aborts the process: it is always the length.
 */
export interface Lstm {
  /** Number of steps, T. */
  length: number;
  /** [T, B, I] */
  x: Value;
  /** First hidden and first cell state, [B, H]. */
  hidden: Value;
  cell: Value;
  /** [I + H, 4H]: W_ihᵀ above W_hhᵀ. Biases are the caller's affair (fold.ts). */
  weights: Value;
  /** H */
  size: number;
}

/** What the op gives and its backward pass wants, [T, B, H] each: gates i, f, o, the new cell content and its tanh, … */
export interface LstmTape {
  i: Value;
  cell: Value;
  f: Value;
  o: Value;
  content: Value;
  tanhCell: Value;
  /** Hidden states, the layer's output. */
  h: Value;
}

export function lstm(ops: Ops, layer: Lstm): LstmTape {
  const [i, cell, f, o, content, tanhCell, h] = ops.blockLstm(layer.length, operands(ops, layer));
  return { i: i!, cell: cell!, f: f!, o: o!, content: content!, tanhCell: tanhCell!, h: h! };
}

/** Backward from the gradient of every hidden state, [T, B, H]. */
export function lstmGradient(ops: Ops, layer: Lstm, tape: LstmTape, dH: Value): LstmGradients {
  const { i, cell, f, o, content, tanhCell, h } = tape;
  const dCell = ops.zerosLike(h);
  const inputs = [...operands(ops, layer), i, cell, f, o, content, tanhCell, h, dCell, dH];
  const [, cellState, hiddenState, weights] = ops.blockLstmGradient(layer.length, inputs);
  return { cellState: cellState!, hiddenState: hiddenState!, weights: weights! };
}

export interface LstmGradients {
  /** By the first cell state, [B, H]. */
  cellState: Value;
  /** By the first hidden state, [B, H]. */
  hiddenState: Value;
  /** [I + H, 4H] */
  weights: Value;
}

/** x, first states, weights, then the peepholes and biases that this controller does without. */
function operands(ops: Ops, { x, cell, hidden, weights, size }: Lstm): Value[] {
  const peephole = ops.zeros(size);
  return [x, cell, hidden, weights, peephole, peephole, peephole, ops.zeros(4 * size)];
}
