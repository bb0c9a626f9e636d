import type { ControllerConfig } from '../../controller/config.js';
import type { Folded } from './fold.js';
import { type Lstm, type LstmTape, lstm, lstmGradient } from './lstm.js';
import type { Ops } from './ops.js';
import type { Value } from './program.js';

/**
 * The controller of REFERENCE §4, forward and backward, one function a part. Shapes: B sequences, T their length, V the
 * vocabulary, D = H the one hidden size, P the predictor's. What a backward pass needs of its forward pass is its tape.
 * `d…` is the gradient of the loss by …
 */
export class Network {
  constructor(
    readonly ops: Ops,
    readonly config: ControllerConfig,
    readonly weights: Folded<Value>,
  ) {}

  /** int32 [B, T] → one-hot [B, T, V] */
  oneHot(tokens: Value): Value {
    return this.ops.oneHot(tokens, this.config.vocabulary);
  }

  /** @param cells one-hot [B, T, V]  @param zero the LSTMs' first state, zeros [B, H] */
  encode(cells: Value, zero: Value): EncoderTape {
    const { ops, weights } = this;
    const forwards = ops.swapFirstAxes(cells);
    const backwards = ops.reverse(forwards);
    const forward = lstm(ops, this.#lstm(forwards, zero, weights.encoderForward));
    const backward = lstm(ops, this.#lstm(backwards, zero, weights.encoderBackward));
    const backwardH = ops.reverse(backward.h);
    const sum = ops.addAll(
      ops.matmul(this.#rows(forwards, this.config.vocabulary), weights.encoderResidual),
      ops.matmul(this.#rows(forward.h), weights.projectForward),
      ops.matmul(this.#rows(backwardH), weights.projectBackward),
    );
    const outputs = this.#normalise(ops.swapFirstAxes(this.#byTime(sum)));
    const embedding = this.embed(outputs.unit);
    return { cells, forwards, backwards, zero, forward, backward, backwardH, outputs, embedding };
  }

  /** encoder_outputs [B, T, D] → arch_emb [B, 1, D] */
  embed(outputs: Value): Unit {
    return this.#normalise(this.ops.mean(outputs, 1));
  }

  /** Backward through {@link encode}. @param dOutputs [B, T, D]  @param dEmbedding [B, 1, D] */
  encodeGradient(tape: EncoderTape, dOutputs: Value, dEmbedding: Value): Partial<Folded<Value>> {
    const { ops, weights } = this;
    const dSum = ops.add(dOutputs, this.embedGradient(tape.embedding, dEmbedding));
    const d = this.#rows(ops.swapFirstAxes(this.#normaliseGradient(tape.outputs, dSum)));
    const dForwardH = this.#byTime(ops.matmulTransposed(d, weights.projectForward));
    const dBackwardH = ops.reverse(this.#byTime(ops.matmulTransposed(d, weights.projectBackward)));
    const forward = this.#lstm(tape.forwards, tape.zero, weights.encoderForward);
    const backward = this.#lstm(tape.backwards, tape.zero, weights.encoderBackward);
    return {
      encoderResidual: ops.transposedMatmul(this.#rows(tape.forwards, this.config.vocabulary), d),
      projectForward: ops.transposedMatmul(this.#rows(tape.forward.h), d),
      projectBackward: ops.transposedMatmul(this.#rows(tape.backwardH), d),
      encoderForward: lstmGradient(ops, forward, tape.forward, dForwardH).weights,
      encoderBackward: lstmGradient(ops, backward, tape.backward, dBackwardH).weights,
    };
  }

  /** Backward through {@link embed}: [B, 1, D], the same for every position of `outputs`. */
  embedGradient(embedding: Unit, dEmbedding: Value): Value {
    return this.ops.scale(this.#normaliseGradient(embedding, dEmbedding), 1 / this.config.length);
  }

  /** The predictor. @param embedding arch_emb [B, 1, D] */
  predict(embedding: Value): PredictorTape {
    const { ops, weights } = this;
    const x = this.#rows(embedding);
    const hidden = ops.relu(ops.addBias(ops.matmul(x, weights.predictorWeight0), weights.predictorBias0));
    const output = ops.relu(
      ops.addBias(ops.matmul(hidden, weights.predictorWeight1), weights.predictorBias1),
    );
    const sum = ops.add(x, output);
    const predicted = ops.sigmoid(
      ops.addBias(ops.matmul(sum, weights.regressorWeight), weights.regressorBias),
    );
    return { x, hidden, output, sum, predicted };
  }

  /** @param dPredicted [B, 1] */
  predictGradient(
    tape: PredictorTape,
    dPredicted: Value,
  ): { weights: Partial<Folded<Value>> /** [B, 1, D] */; embedding: Value } {
    const { ops, weights } = this;
    const dLogit = ops.sigmoidGradient(dPredicted, tape.predicted);
    const dSum = ops.matmulTransposed(dLogit, weights.regressorWeight);
    const dOutput = ops.reluGradient(dSum, tape.output);
    const dHidden = ops.reluGradient(ops.matmulTransposed(dOutput, weights.predictorWeight1), tape.hidden);
    const dEmbedding = ops.add(dSum, ops.matmulTransposed(dHidden, weights.predictorWeight0));
    return {
      weights: {
        predictorWeight0: ops.transposedMatmul(tape.x, dHidden),
        predictorBias0: ops.addBiasGradient(dHidden),
        predictorWeight1: ops.transposedMatmul(tape.hidden, dOutput),
        predictorBias1: ops.addBiasGradient(dOutput),
        regressorWeight: ops.transposedMatmul(tape.sum, dLogit),
        regressorBias: ops.addBiasGradient(dLogit),
      },
      embedding: ops.reshape(dEmbedding, [-1, 1, this.config.dim]),
    };
  }

  /**
   * The teacher-forced decoder.
   * @param previous one-hot [B, T, V] of each position's previous token
   * @param encoded encoder_outputs [B, T, D]  @param embedding arch_emb [B, 1, D]
   */
  decode(previous: Value, encoded: Value, embedding: Value): DecoderTape {
    const { ops, weights } = this;
    const x = ops.swapFirstAxes(previous);
    const state = this.#rows(embedding);
    const hidden = lstm(ops, this.#lstm(x, state, weights.decoderLstm));
    const token = ops.matmul(this.#rows(previous, this.config.vocabulary), weights.decoderEmbedding);
    const y = ops.add(token, this.#rows(ops.swapFirstAxes(hidden.h)));
    const query = this.#bySample(ops.matmul(y, weights.query));
    const attention = ops.softmax(ops.batchMatmul(query, encoded, { b: true }));
    const mix = ops.batchMatmul(attention, encoded);
    const { output, sum, logits } = this.#logits(ops.matmul(this.#rows(mix), weights.mix), y);
    return {
      previous,
      x,
      state,
      hidden,
      y,
      query,
      encoded,
      attention,
      mix,
      output,
      sum,
      probabilities: ops.softmax(logits),
    };
  }

  /**
   * Σ −log p(target) over all positions, a scalar. Capped at 87.3 a position, where the probability leaves float32.
   * @param cells one-hot [B, T, V] of the targets
   */
  reconstructionLoss(tape: DecoderTape, cells: Value): Value {
    const { ops } = this;
    const chosen = ops.sum(ops.mul(tape.probabilities, this.#rows(cells, this.config.vocabulary)), 1);
    const smallest = ops.scalar(1.17549435e-38);
    return ops.scale(ops.sum(ops.log(ops.add(chosen, smallest)), 0), -1);
  }

  /**
   * Backward through softmax cross-entropy and {@link decode}.
   * @param share weight of one position's loss, a scalar
   */
  decodeGradient(
    tape: DecoderTape,
    cells: Value,
    share: Value,
  ): {
    weights: Partial<Folded<Value>>;
    /** [B, T, D] */
    encoded: Value;
    /** [B, 1, D] */
    embedding: Value;
  } {
    const { ops, weights } = this;
    const { y, query, encoded, attention, mix, output } = tape;
    const dLogits = ops.mul(ops.sub(tape.probabilities, this.#rows(cells, this.config.vocabulary)), share);
    const dSum = ops.matmulTransposed(dLogits, weights.logits);
    const dOutput = ops.tanhGradient(ops.scale(dSum, Math.SQRT2), output);

    const dMix = this.#bySample(ops.matmulTransposed(dOutput, weights.mix));
    const dAttention = ops.batchMatmul(dMix, encoded, { b: true });
    // The softmax's Jacobian needs Σ dA·A, which is Σ dMix·mix: shorter rows.
    const dScores = ops.mul(attention, ops.sub(dAttention, ops.sum(ops.mul(dMix, mix), 2)));
    const dQuery = this.#rows(ops.batchMatmul(dScores, encoded));
    const dEncoded = ops.add(
      ops.batchMatmul(attention, dMix, { a: true }),
      ops.batchMatmul(dScores, query, { a: true }),
    );

    const dY = ops.addAll(
      dSum,
      ops.matmulTransposed(dOutput, weights.residual),
      ops.matmulTransposed(dQuery, weights.query),
    );
    const layer = this.#lstm(tape.x, tape.state, weights.decoderLstm);
    const dLstm = lstmGradient(ops, layer, tape.hidden, ops.swapFirstAxes(this.#bySample(dY)));
    return {
      weights: {
        logits: ops.transposedMatmul(tape.sum, dLogits),
        logitsBias: ops.addBiasGradient(dLogits),
        mix: ops.transposedMatmul(this.#rows(mix), dOutput),
        residual: ops.transposedMatmul(y, dOutput),
        query: ops.transposedMatmul(y, dQuery),
        decoderEmbedding: ops.transposedMatmul(this.#rows(tape.previous, this.config.vocabulary), dY),
        decoderLstm: dLstm.weights,
      },
      encoded: dEncoded,
      embedding: ops.reshape(ops.add(dLstm.cellState, dLstm.hiddenState), [-1, 1, this.config.dim]),
    };
  }

  /**
   * Greedy decoding, always all T steps. The attention's two products with the encoder outputs are made before the loop.
   * @param encoded encoder_outputs [B, T, D]  @param embedding arch_emb [B, 1, D]  @param start int32 [B] start tokens
   * @returns int32 [B, T]
   */
  decodeGreedily(encoded: Value, embedding: Value, start: Value): Value {
    const { ops, weights, config } = this;
    const rows = this.#rows(encoded);
    const keys = this.#bySample(ops.matmulTransposed(rows, weights.query));
    const values = this.#bySample(ops.matmul(rows, weights.mix));
    const tokens: Value[] = [];
    let token = start;
    let cell = this.#rows(embedding);
    let hidden = cell;
    for (let step = 0; step < config.length; step++) {
      const previous = this.oneHot(token);
      const x = ops.reshape(previous, [1, -1, config.vocabulary]);
      const tape = lstm(ops, { ...this.#lstm(x, hidden, weights.decoderLstm), length: 1, cell });
      cell = this.#rows(tape.cell);
      hidden = this.#rows(tape.h);
      const y = ops.add(ops.matmul(previous, weights.decoderEmbedding), hidden);
      const query = ops.reshape(y, [-1, 1, config.dim]);
      const attention = ops.softmax(ops.batchMatmul(query, keys, { b: true }));
      const mixed = this.#rows(ops.batchMatmul(attention, values));
      token = ops.argMax(this.#logits(mixed, y).logits);
      tokens.push(token);
    }
    return ops.stackInts(tokens, 1);
  }

  /** NAO's move: outputs + step · direction, every position normalised anew. @param direction [B, 1, D] */
  move(outputs: Value, direction: Value, step: Value): Value {
    const { ops } = this;
    return this.#normalise(ops.add(outputs, ops.mul(direction, step))).unit;
  }

  /** The decoder's end. Weights are folded so that the logits are (y + √2·o)·W/2. @param mixed [B·T, D], mix·W_mix */
  #logits(mixed: Value, y: Value): { output: Value; sum: Value; logits: Value } {
    const { ops, weights } = this;
    const output = ops.tanh(ops.add(mixed, ops.matmul(y, weights.residual)));
    const sum = ops.add(y, ops.scale(output, Math.SQRT2));
    return { output, sum, logits: ops.addBias(ops.matmul(sum, weights.logits), weights.logitsBias) };
  }

  /** The last axis divided by its L2 norm; [B, n, D]. */
  #normalise(a: Value): Unit {
    const { ops } = this;
    const inverse = ops.inverseSquareRoot(ops.maximum(ops.sum(ops.square(a), 2), ops.scalar(1e-24)));
    return { unit: ops.mul(a, inverse), inverse };
  }

  #normaliseGradient({ unit, inverse }: Unit, dUnit: Value): Value {
    const { ops } = this;
    const along = ops.sum(ops.mul(unit, dUnit), 2);
    return ops.mul(ops.sub(dUnit, ops.mul(unit, along)), inverse);
  }

  #lstm(x: Value, state: Value, weights: Value): Lstm {
    const { length, dim } = this.config;
    return { length, x, hidden: state, cell: state, weights, size: dim };
  }

  /** All leading axes in one. */
  #rows(a: Value, columns = this.config.dim): Value {
    return this.ops.reshape(a, [-1, columns]);
  }

  /** [T·B, D] → [T, B, D] */
  #byTime(rows: Value): Value {
    return this.ops.reshape(rows, [this.config.length, -1, this.config.dim]);
  }

  /** [B·T, D] → [B, T, D] */
  #bySample(rows: Value): Value {
    return this.ops.reshape(rows, [-1, this.config.length, this.config.dim]);
  }
}

/** Vectors of length one, and one over the length that they had. */
export interface Unit {
  unit: Value;
  inverse: Value;
}

export interface EncoderTape {
  cells: Value;
  /** One-hot [T, B, V] in the order of time, and backwards. */
  forwards: Value;
  backwards: Value;
  zero: Value;
  forward: LstmTape;
  backward: LstmTape;
  /** The backward LSTM's hidden states in the order of time, [T, B, H]. */
  backwardH: Value;
  /** encoder_outputs [B, T, D] */
  outputs: Unit;
  /** arch_emb [B, 1, D] */
  embedding: Unit;
}

export interface PredictorTape {
  x: Value;
  hidden: Value;
  output: Value;
  sum: Value;
  /** [B, 1] */
  predicted: Value;
}

export interface DecoderTape {
  previous: Value;
  x: Value;
  state: Value;
  hidden: LstmTape;
  y: Value;
  query: Value;
  encoded: Value;
  attention: Value;
  mix: Value;
  output: Value;
  sum: Value;
  /** [B·T, V] */
  probabilities: Value;
}
