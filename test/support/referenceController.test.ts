import { describe, expect, test } from 'vitest';
import type { ControllerConfig } from '../../src/core/controller/config.js';
import { flatten, initialWeights, unflatten } from '../../src/core/controller/weights.js';
import { stream } from '../../src/core/random/random.js';
import { goldenFile } from '../golden/golden.js';
import { ReferenceController } from './referenceController.js';

const config: ControllerConfig = { vocabulary: 5, length: 6, dim: 4, predictor: 8 };
const random = stream(1, 'reference');
const tokens = Int32Array.from({ length: 3 * config.length }, () => random.int(config.vocabulary));
const targets = [0.9, 0.1, 0.4];
const weights = flatten(config, initialWeights(config, 1));
const at = (values: ArrayLike<number>) =>
  new ReferenceController(config, unflatten(config, values as Float32Array));

describe('gradients agree with finite differences along random directions', () => {
  const step = 1e-5;
  const metric = Array.from({ length: 3 * config.dim }, () => random.normal());
  const losses = {
    pretrain: (values: ArrayLike<number>) => {
      const controller = at(values);
      const embeddings = controller.embed(tokens);
      const { reconstruction, gradient } = controller.pretrain(tokens, metric);
      return { loss: embeddings.reduce((sum, e, i) => sum + e * metric[i]!, reconstruction), gradient };
    },
    search: (values: ArrayLike<number>) => {
      const { total, gradient } = at(values).search(tokens, targets, 0.3);
      return { loss: total, gradient };
    },
  };
  test.each(Object.entries(losses))('%s', (_, loss) => {
    const { gradient } = loss(weights);
    for (let trial = 0; trial < 5; trial++) {
      const direction = Array.from(weights, () => random.normal());
      const moved = (sign: number) => Float64Array.from(weights, (w, i) => w + sign * step * direction[i]!);
      const difference = (loss(moved(1)).loss - loss(moved(-1)).loss) / (2 * step);
      const along = direction.reduce((sum, d, i) => sum + d * gradient[i]!, 0);
      expect(along).toBeCloseTo(difference, 6);
    }
  });
});

test('is the controller of the golden figures, in float64', () => {
  const golden = goldenFile('controller_trained.json');
  const {
    vocab_size: vocabulary,
    source_length: length,
    hidden_size: dim,
    mlp_hidden_size: predictor,
  } = golden.hyper;
  const exact: Record<string, { data: number[] }> = golden.state_dict;
  // The reference controller takes any numbers; the type is that of the engines.
  const state = Object.fromEntries(
    Object.entries(exact).map(([name, { data }]) => [name, data as unknown as Float32Array]),
  );
  const controller = new ReferenceController({ vocabulary, length, dim, predictor }, state);
  const input = Int32Array.from(golden.train_input.slice(0, 2).flat());
  const close = (found: ArrayLike<number>, expected: number[]) =>
    expect(Math.max(...Array.from(found, (value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-9);
  close(controller.embed(input), golden.forward.arch_emb.data.slice(0, 2 * dim));
  close(controller.predict(input), golden.forward.predict_value.slice(0, 2));
  expect(controller.reconstruct(input).decoded).toEqual(golden.forward.greedy.slice(0, 2).flat());
  const all = controller.search(
    Int32Array.from(golden.train_input.flat()),
    golden.train_target,
    golden.train.tradeoff,
  );
  close([all.total, all.mse, all.reconstruction], [golden.train.total, golden.train.mse, golden.train.nll]);
  const expected = Object.keys(exact).flatMap((name) => golden.train.grad[name].data);
  close(all.gradient, expected);
});
