import type * as tfTypes from '@tensorflow/tfjs-node';
import type { ControllerConfig, Weights } from '../../src/core/controller/config.js';
import { parameterShapes } from '../../src/core/controller/weights.js';
import type { Tfjs } from '../../src/core/engine/tfjs/load.js';

type Tensor = tfTypes.Tensor;
type Parameters = Record<string, Tensor>;

/**
 * The controller of REFERENCE §4 as one would write it down, one small op after the other, its gradients by tfjs's automatic
 * differentiation. Slow: something to compare engines with at small sizes.
 */
export class AutodiffController {
  constructor(
    readonly tf: Tfjs,
    readonly config: ControllerConfig,
  ) {}

  /** Gradients of eq. 2 where the metric loss is the linear `Σ metricGradient · embedding`. */
  pretrain(weights: Weights, tokens: Int32Array, metricGradient: Float32Array) {
    return this.#gradients(weights, (parameters) => {
      const { outputs, embedding } = this.#encode(parameters, tokens);
      const metric = this.tf.sum(this.tf.mul(embedding, this.tf.tensor(metricGradient, embedding.shape)));
      return this.tf.add(this.#reconstructionLoss(parameters, tokens, outputs, embedding), metric);
    });
  }

  /** Gradients of eq. 1. */
  search(weights: Weights, tokens: Int32Array, targets: Float32Array, tradeoff: number) {
    const { tf } = this;
    return this.#gradients(weights, (parameters) => {
      const { outputs, embedding } = this.#encode(parameters, tokens);
      const error = tf.sub(this.#predict(parameters, embedding), tf.tensor1d(targets));
      const reconstruction = this.#reconstructionLoss(parameters, tokens, outputs, embedding);
      return tf.add(tf.mul(tradeoff, tf.mean(tf.square(error))), tf.mul(1 - tradeoff, reconstruction));
    });
  }

  /** Move by `step` up the predictor's gradient; the moved embeddings [B, D]. */
  move(weights: Weights, tokens: Int32Array, step: number): Float32Array {
    const { tf } = this;
    return tf.tidy(() => {
      const parameters = this.#parameters(weights);
      const { outputs } = this.#encode(parameters, tokens);
      const up = tf.grad((x) => tf.sum(this.#predict(parameters, this.#pool(x))))(outputs);
      return this.#pool(this.#normalise(tf.add(outputs, tf.mul(step, up)))).dataSync() as Float32Array;
    });
  }

  #gradients(
    weights: Weights,
    loss: (parameters: Parameters) => Tensor,
  ): { loss: number; gradients: Weights } {
    const { tf } = this;
    const names = [...parameterShapes(this.config).keys()];
    return tf.tidy(() => {
      // tfjs wants every parameter to take part, those that a loss leaves alone with factor 0.
      const valueAndGradients = tf.valueAndGrads((...tensors: Tensor[]) => {
        const nothing = tf.mul(0, tf.addN(tensors.map((tensor) => tf.sum(tensor))));
        return tf
          .add(loss(Object.fromEntries(names.map((name, i) => [name, tensors[i]!]))), nothing)
          .asScalar();
      });
      const { value, grads } = valueAndGradients(Object.values(this.#parameters(weights)));
      const gradients = Object.fromEntries(
        names.map((name, i) => [name, grads[i]!.dataSync() as Float32Array]),
      );
      return { loss: value.dataSync()[0]!, gradients };
    });
  }

  #parameters(weights: Weights): Parameters {
    const shapes = [...parameterShapes(this.config)];
    return Object.fromEntries(shapes.map(([name, shape]) => [name, this.tf.tensor(weights[name]!, shape)]));
  }

  #encode(parameters: Parameters, tokens: Int32Array): { outputs: Tensor; embedding: Tensor } {
    const { tf } = this;
    const embedded = this.#embedding(parameters, 'encoder', tokens);
    const zero = tf.zeros([embedded.shape[0]!, this.config.dim]);
    const steps = tf.unstack(embedded, 1);
    const forward = this.#lstm(parameters, 'encoder', '', steps, zero);
    const backward = this.#lstm(parameters, 'encoder', '_reverse', steps.toReversed(), zero).toReversed();
    const both = tf.concat([tf.stack(forward, 1), tf.stack(backward, 1)], 2);
    const outputs = this.#normalise(tf.add(this.#linear(parameters, 'encoder.out_proj', both), embedded));
    return { outputs, embedding: this.#pool(outputs) };
  }

  #pool(outputs: Tensor): Tensor {
    return this.#normalise(this.tf.mean(outputs, 1));
  }

  #predict(parameters: Parameters, embedding: Tensor): Tensor {
    const { tf } = this;
    const hidden = tf.relu(this.#linear(parameters, 'encoder.mlp.0', embedding));
    const residual = tf.relu(this.#linear(parameters, 'encoder.mlp.1', hidden));
    const x = tf.mul(tf.add(embedding, residual), Math.sqrt(0.5));
    return tf.squeeze(tf.sigmoid(this.#linear(parameters, 'encoder.regressor', x)), [1]);
  }

  #reconstructionLoss(
    parameters: Parameters,
    tokens: Int32Array,
    outputs: Tensor,
    embedding: Tensor,
  ): Tensor {
    const { tf, config } = this;
    const previous = tokens.map((_, i) => (i % config.length === 0 ? 0 : tokens[i - 1]!));
    const embedded = this.#embedding(parameters, 'decoder', previous);
    const hidden = tf.stack(this.#lstm(parameters, 'decoder', '', tf.unstack(embedded, 1), embedding), 1);
    const y = tf.mul(tf.add(embedded, hidden), Math.sqrt(0.5));
    const query = this.#linear(parameters, 'decoder.attention.input_proj', y);
    const attention = tf.softmax(tf.matMul(query, outputs, false, true));
    const mix = tf.concat([tf.matMul(attention, outputs), y], 2);
    const output = tf.tanh(this.#linear(parameters, 'decoder.attention.output_proj', mix));
    const logits = this.#linear(parameters, 'decoder.out', tf.mul(tf.add(y, output), Math.sqrt(0.5)));
    const targets = tf.oneHot(tf.tensor(tokens, [tokens.length], 'int32'), config.vocabulary);
    return tf.losses.softmaxCrossEntropy(targets, tf.reshape(logits, [-1, config.vocabulary]));
  }

  #lstm(parameters: Parameters, part: string, suffix: string, steps: Tensor[], state: Tensor): Tensor[] {
    const { tf } = this;
    const of = (name: string) => parameters[`${part}.rnn.${name}_l0${suffix}`]!;
    let [h, c] = [state, state];
    return steps.map((x) => {
      const input = tf.add(tf.matMul(x, of('weight_ih'), false, true), of('bias_ih'));
      const hidden = tf.add(tf.matMul(h, of('weight_hh'), false, true), of('bias_hh'));
      const [i, f, g, o] = tf.split(tf.add(input, hidden), 4, 1);
      c = tf.add(tf.mul(tf.sigmoid(f!), c), tf.mul(tf.sigmoid(i!), tf.tanh(g!)));
      h = tf.mul(tf.sigmoid(o!), tf.tanh(c));
      return h;
    });
  }

  #embedding(parameters: Parameters, part: string, tokens: Int32Array): Tensor {
    const indices = this.tf.tensor(tokens, [tokens.length / this.config.length, this.config.length], 'int32');
    return this.tf.gather(parameters[`${part}.embedding.weight`]!, indices);
  }

  /** x·Wᵀ + b over the last axis; without a bias where there is none. */
  #linear(parameters: Parameters, name: string, x: Tensor): Tensor {
    const { tf } = this;
    const weight = parameters[`${name}.weight`]!;
    const rows = tf.matMul(tf.reshape(x, [-1, weight.shape[1]!]), weight, false, true);
    const bias = parameters[`${name}.bias`];
    return tf.reshape(bias ? tf.add(rows, bias) : rows, [...x.shape.slice(0, -1), weight.shape[0]!]);
  }

  #normalise(x: Tensor): Tensor {
    return this.tf.div(x, this.tf.maximum(this.tf.norm(x, 2, -1, true), 1e-12));
  }
}
