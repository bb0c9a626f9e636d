import type { ControllerConfig, Weights } from '../../controller/config.js';

/**
 * The parameters in the form in which the network multiplies by them. Tokens enter as one-hot rows, so that an embedding and
 * the linear map after it, bias included, are one table of `vocabulary` rows: it replaces gathers, scatters and bias
 * gradients by a matrix product. Factors √0.5 of the residual sums are folded in too.
 * The tables are small enough to be made, and their gradients taken apart, in plain JavaScript.
 */
export interface Folded<T> {
  /** [V + H, 4H]: per token E·W_ihᵀ + b_ih + b_hh, then W_hhᵀ. */
  encoderForward: T;
  encoderBackward: T;
  /** [V, D]: E + bias of the output projection. */
  encoderResidual: T;
  /** [H, D]: the output projection's part for the forward LSTM, transposed. */
  projectForward: T;
  projectBackward: T;
  /** [D, P], [P], [P, D], [D] */
  predictorWeight0: T;
  predictorBias0: T;
  predictorWeight1: T;
  predictorBias1: T;
  /** [D, 1] · √0.5, [1] */
  regressorWeight: T;
  regressorBias: T;
  /** [V + H, 4H] */
  decoderLstm: T;
  /** [V, D] */
  decoderEmbedding: T;
  /** [D, D]: W_inᵀ · √0.5 */
  query: T;
  /** [D, D]: the attention output projection's part for the mix, transposed. */
  mix: T;
  /** [D, D]: its part for y, transposed, · √0.5 */
  residual: T;
  /** [D, V]: transposed, · ½ */
  logits: T;
  /** [V] */
  logitsBias: T;
}

export type FoldedName = keyof Folded<unknown>;

const HALF_ROOT = Math.SQRT1_2;

export function foldedShapes({ vocabulary: v, dim: d, predictor: p }: ControllerConfig): Folded<number[]> {
  return {
    encoderForward: [v + d, 4 * d],
    encoderBackward: [v + d, 4 * d],
    encoderResidual: [v, d],
    projectForward: [d, d],
    projectBackward: [d, d],
    predictorWeight0: [d, p],
    predictorBias0: [p],
    predictorWeight1: [p, d],
    predictorBias1: [d],
    regressorWeight: [d, 1],
    regressorBias: [1],
    decoderLstm: [v + d, 4 * d],
    decoderEmbedding: [v, d],
    query: [d, d],
    mix: [d, d],
    residual: [d, d],
    logits: [d, v],
    logitsBias: [v],
  };
}

/** Fresh arrays, in {@link foldedShapes}. */
export function fold(config: ControllerConfig, weights: Weights): Folded<Float32Array> {
  const { vocabulary: v, dim: d, predictor: p } = config;
  const w = (name: string) => weights[name]!;
  const projection = w('encoder.out_proj.weight');
  const attention = w('decoder.attention.output_proj.weight');
  return {
    encoderForward: foldLstm(config, weights, 'encoder', ''),
    encoderBackward: foldLstm(config, weights, 'encoder', '_reverse'),
    encoderResidual: w('encoder.embedding.weight').map((e, i) => e + w('encoder.out_proj.bias')[i % d]!),
    projectForward: transpose(projection, d, d, 2 * d, 0),
    projectBackward: transpose(projection, d, d, 2 * d, d),
    predictorWeight0: transpose(w('encoder.mlp.0.weight'), p, d),
    predictorBias0: w('encoder.mlp.0.bias').slice(),
    predictorWeight1: transpose(w('encoder.mlp.1.weight'), d, p),
    predictorBias1: w('encoder.mlp.1.bias').slice(),
    regressorWeight: w('encoder.regressor.weight').map((value) => value * HALF_ROOT),
    regressorBias: w('encoder.regressor.bias').slice(),
    decoderLstm: foldLstm(config, weights, 'decoder', ''),
    decoderEmbedding: w('decoder.embedding.weight').slice(),
    query: transpose(w('decoder.attention.input_proj.weight'), d, d, d, 0, HALF_ROOT),
    mix: transpose(attention, d, d, 2 * d, 0),
    residual: transpose(attention, d, d, 2 * d, d, HALF_ROOT),
    logits: transpose(w('decoder.out.weight'), v, d, d, 0, 0.5),
    logitsBias: w('decoder.out.bias').slice(),
  };
}

/**
 * The chain rule back through {@link fold}: adds to `gradients` (named views as of `weights`) what the gradients of the folded
 * parameters amount to. Absent folded gradients are zero.
 */
export function unfoldGradients(
  config: ControllerConfig,
  weights: Weights,
  folded: Partial<Folded<Float32Array>>,
  gradients: Weights,
): void {
  const { vocabulary: v, dim: d, predictor: p } = config;
  const g = (name: string) => gradients[name]!;
  const given = <N extends FoldedName>(name: N, use: (gradient: Float32Array) => void) => {
    if (folded[name]) use(folded[name]);
  };
  given('encoderForward', (x) => unfoldLstm(config, weights, x, gradients, 'encoder', ''));
  given('encoderBackward', (x) => unfoldLstm(config, weights, x, gradients, 'encoder', '_reverse'));
  given('encoderResidual', (x) => {
    add(g('encoder.embedding.weight'), x);
    for (let i = 0; i < x.length; i++) g('encoder.out_proj.bias')[i % d]! += x[i]!;
  });
  given('projectForward', (x) => addTransposed(g('encoder.out_proj.weight'), x, d, d, 2 * d, 0));
  given('projectBackward', (x) => addTransposed(g('encoder.out_proj.weight'), x, d, d, 2 * d, d));
  given('predictorWeight0', (x) => addTransposed(g('encoder.mlp.0.weight'), x, p, d));
  given('predictorBias0', (x) => add(g('encoder.mlp.0.bias'), x));
  given('predictorWeight1', (x) => addTransposed(g('encoder.mlp.1.weight'), x, d, p));
  given('predictorBias1', (x) => add(g('encoder.mlp.1.bias'), x));
  given('regressorWeight', (x) => addTransposed(g('encoder.regressor.weight'), x, 1, d, d, 0, HALF_ROOT));
  given('regressorBias', (x) => add(g('encoder.regressor.bias'), x));
  given('decoderLstm', (x) => unfoldLstm(config, weights, x, gradients, 'decoder', ''));
  given('decoderEmbedding', (x) => add(g('decoder.embedding.weight'), x));
  given('query', (x) => addTransposed(g('decoder.attention.input_proj.weight'), x, d, d, d, 0, HALF_ROOT));
  given('mix', (x) => addTransposed(g('decoder.attention.output_proj.weight'), x, d, d, 2 * d, 0));
  given('residual', (x) =>
    addTransposed(g('decoder.attention.output_proj.weight'), x, d, d, 2 * d, d, HALF_ROOT),
  );
  given('logits', (x) => addTransposed(g('decoder.out.weight'), x, v, d, d, 0, 0.5));
  given('logitsBias', (x) => add(g('decoder.out.bias'), x));
}

function foldLstm(
  { vocabulary: v, dim: d }: ControllerConfig,
  weights: Weights,
  part: string,
  suffix: string,
): Float32Array {
  const { embedding, input, hidden, inputBias, hiddenBias } = lstmParameters(weights, part, suffix);
  const columns = 4 * d;
  const out = new Float32Array((v + d) * columns);
  for (let token = 0; token < v; token++) {
    for (let column = 0; column < columns; column++) {
      let sum = inputBias[column]! + hiddenBias[column]!;
      for (let k = 0; k < d; k++) sum += embedding[token * d + k]! * input[column * d + k]!;
      out[token * columns + column] = sum;
    }
  }
  out.set(transpose(hidden, columns, d), v * columns);
  return out;
}

function unfoldLstm(
  { vocabulary: v, dim: d }: ControllerConfig,
  weights: Weights,
  folded: Float32Array,
  gradients: Weights,
  part: string,
  suffix: string,
): void {
  const { embedding, input } = lstmParameters(weights, part, suffix);
  const to = lstmParameters(gradients, part, suffix);
  const { embedding: toEmbedding, input: toInput, inputBias, hiddenBias } = to;
  const columns = 4 * d;
  for (let token = 0; token < v; token++) {
    const row = embedding.subarray(token * d, (token + 1) * d);
    const toRow = toEmbedding.subarray(token * d, (token + 1) * d);
    for (let column = 0; column < columns; column++) {
      const gradient = folded[token * columns + column]!;
      inputBias[column]! += gradient;
      hiddenBias[column]! += gradient;
      const at = column * d;
      for (let k = 0; k < d; k++) {
        toRow[k]! += gradient * input[at + k]!;
        toInput[at + k]! += gradient * row[k]!;
      }
    }
  }
  addTransposed(to.hidden, folded.subarray(v * columns), columns, d);
}

function lstmParameters(weights: Weights, part: string, suffix: string) {
  const of = (name: string) => weights[`${part}.rnn.${name}_l0${suffix}`]!;
  return {
    embedding: weights[`${part}.embedding.weight`]!,
    input: of('weight_ih'),
    hidden: of('weight_hh'),
    inputBias: of('bias_ih'),
    hiddenBias: of('bias_hh'),
  };
}

/** `factor` · columns `from … from + columns` of the [rows, stride] matrix, transposed: [columns, rows]. */
function transpose(
  matrix: Float32Array,
  rows: number,
  columns: number,
  stride = columns,
  from = 0,
  factor = 1,
): Float32Array {
  const out = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out[column * rows + row] = factor * matrix[row * stride + from + column]!;
    }
  }
  return out;
}

/** Adds to `matrix` what {@link transpose} took from it. */
function addTransposed(
  matrix: Float32Array,
  transposed: Float32Array,
  rows: number,
  columns: number,
  stride = columns,
  from = 0,
  factor = 1,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      matrix[row * stride + from + column]! += factor * transposed[column * rows + row]!;
    }
  }
}

function add(to: Float32Array, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) to[i]! += values[i]!;
}
