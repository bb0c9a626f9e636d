import { dataError } from '../errors.js';
import { stream } from '../random/random.js';
import type { ControllerConfig, Weights } from './config.js';

/** Shape of every parameter, in the order in which weights are stored (PyTorch's `state_dict` order). */
export function parameterShapes({
  vocabulary: v,
  dim: d,
  predictor: p,
}: ControllerConfig): Map<string, number[]> {
  const lstm = (name: string, suffix: string): [string, number[]][] => [
    [`${name}.rnn.weight_ih_l0${suffix}`, [4 * d, d]],
    [`${name}.rnn.weight_hh_l0${suffix}`, [4 * d, d]],
    [`${name}.rnn.bias_ih_l0${suffix}`, [4 * d]],
    [`${name}.rnn.bias_hh_l0${suffix}`, [4 * d]],
  ];
  return new Map([
    ['encoder.embedding.weight', [v, d]],
    ...lstm('encoder', ''),
    ...lstm('encoder', '_reverse'),
    ['encoder.out_proj.weight', [d, 2 * d]],
    ['encoder.out_proj.bias', [d]],
    ['encoder.mlp.0.weight', [p, d]],
    ['encoder.mlp.0.bias', [p]],
    ['encoder.mlp.1.weight', [d, p]],
    ['encoder.mlp.1.bias', [d]],
    ['encoder.regressor.weight', [1, d]],
    ['encoder.regressor.bias', [1]],
    ...lstm('decoder', ''),
    ['decoder.embedding.weight', [v, d]],
    ['decoder.attention.input_proj.weight', [d, d]],
    ['decoder.attention.output_proj.weight', [d, 2 * d]],
    ['decoder.out.weight', [v, d]],
    ['decoder.out.bias', [v]],
  ]);
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** Number of parameters: 10,312 for the paper's controller. */
export function parameterCount(config: ControllerConfig): number {
  let total = 0;
  for (const shape of parameterShapes(config).values()) total += sizeOf(shape);
  return total;
}

/**
 * Fresh parameters: Embedding N(0,1), LSTM U(±1/√dim), Linear U(±1/√fan_in) for weight and bias (REFERENCE §4).
 * Each parameter has its own random stream, so that adding one leaves the others as they were.
 */
export function initialWeights(config: ControllerConfig, seed: number): Weights {
  const shapes = parameterShapes(config);
  const weights: Weights = {};
  for (const [name, shape] of shapes) {
    const random = stream(seed, 'initialise', name);
    const values = new Float32Array(sizeOf(shape));
    const fanIn = name.includes('.rnn.') ? config.dim : shapes.get(name.replace(/bias$/, 'weight'))![1]!;
    const bound = 1 / Math.sqrt(fanIn);
    for (let i = 0; i < values.length; i++) {
      values[i] = name.includes('embedding') ? random.normal() : (2 * random.float() - 1) * bound;
    }
    weights[name] = values;
  }
  return weights;
}

/** All parameters in one array, in {@link parameterShapes} order. */
export function flatten(config: ControllerConfig, weights: Weights): Float32Array {
  checkWeights(config, weights);
  const flat = new Float32Array(parameterCount(config));
  let offset = 0;
  for (const name of parameterShapes(config).keys()) {
    flat.set(weights[name]!, offset);
    offset += weights[name]!.length;
  }
  return flat;
}

/** The inverse of {@link flatten}; copies. */
export function unflatten(config: ControllerConfig, flat: Float32Array): Weights {
  return weightViews(config, flat.slice());
}

/** The inverse of {@link flatten} without a copy: what is written to a parameter is written to `flat`. */
export function weightViews(config: ControllerConfig, flat: Float32Array): Weights {
  const weights: Weights = {};
  let offset = 0;
  for (const [name, shape] of parameterShapes(config)) {
    const size = sizeOf(shape);
    weights[name] = flat.subarray(offset, offset + size);
    offset += size;
  }
  return weights;
}

/** Name of the first parameter that has a NaN or an infinity, for the message that training has diverged. */
export function firstNonFinite(weights: Weights): string | undefined {
  return Object.keys(weights).find((name) => !weights[name]!.every(Number.isFinite));
}

/** Throws exit code 3 where a parameter is missing, of a wrong size, or not of this controller. */
export function checkWeights(config: ControllerConfig, weights: Weights): void {
  const shapes = parameterShapes(config);
  const hint = 'the weights belong to another controller configuration; pretrain one for this space';
  for (const [name, shape] of shapes) {
    const found = weights[name];
    if (!found) throw dataError(`controller weights lack '${name}'`, hint);
    if (found.length !== sizeOf(shape)) {
      throw dataError(`controller weight '${name}' has ${found.length} values, expected [${shape}]`, hint);
    }
  }
  for (const name of Object.keys(weights)) {
    if (!shapes.has(name)) throw dataError(`controller weights have an unknown parameter '${name}'`, hint);
  }
}
