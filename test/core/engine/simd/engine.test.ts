import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ControllerConfig,
  nasbench101Controller,
  type Weights,
} from '../../../../src/core/controller/config.js';
import { flatten, initialWeights } from '../../../../src/core/controller/weights.js';
import type { Controller, Engine } from '../../../../src/core/engine/engine.js';
import { createSimdEngine } from '../../../../src/core/engine/simd/index.js';
import { stream } from '../../../../src/core/random/random.js';
import { ReferenceController } from '../../../support/referenceController.js';
import { difference } from './kernels.js';

/** Float32 against float64, as a share of the largest value. */
const VALUES = 2e-6;
const GRADIENTS = 5e-5;
/** Below this gap between the two best logits, float32 may decode another token. */
const SAFE_MARGIN = 1e-3;

let engine: Engine;
beforeAll(async () => {
  engine = await createSimdEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

const scaled = (weights: Weights, factor: number): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, values.map((x) => x * factor)]));

/** A controller and its reference with the same weights, and random cells. */
async function pair(config: ControllerConfig, rows: number, factor = 1) {
  const random = stream(7, 'simd', rows, config.length, config.vocabulary, config.dim);
  const weights = scaled(initialWeights(config, 3), factor);
  return {
    controller: await engine.controller(config, weights),
    reference: new ReferenceController(config, weights),
    tokens: Int32Array.from({ length: rows * config.length }, () => random.int(config.vocabulary)),
    targets: Float32Array.from({ length: rows }, () => random.float()),
    metric: Float32Array.from({ length: rows * config.dim }, () => random.normal() / rows),
  };
}

function expectDecoded(found: Int32Array, expected: { decoded: number[]; margins: number[] }): void {
  const length = found.length / expected.margins.length;
  expected.margins.forEach((margin, row) => {
    if (margin < SAFE_MARGIN) return;
    const cell = [row * length, (row + 1) * length] as const;
    expect([...found.subarray(...cell)], `row ${row}`).toEqual(expected.decoded.slice(...cell));
  });
}

const shapes: [name: string, config: ControllerConfig, rows: number][] = [
  ['nasbench101', nasbench101Controller, 3],
  ['nasbench201', { vocabulary: 8, length: 35, dim: 16, predictor: 64 }, 2],
  ['small, one lane', { vocabulary: 5, length: 6, dim: 4, predictor: 8 }, 1],
  ['small, seven lanes', { vocabulary: 5, length: 6, dim: 4, predictor: 8 }, 7],
  ['small, full chunks', { vocabulary: 4, length: 5, dim: 8, predictor: 4 }, 16],
  ['small, a tail', { vocabulary: 4, length: 5, dim: 8, predictor: 4 }, 17],
  ['small, more chunks than shards', { vocabulary: 3, length: 2, dim: 4, predictor: 4 }, 131],
  ['sizes that are no powers of two', { vocabulary: 13, length: 9, dim: 12, predictor: 20 }, 3],
  ['one position', { vocabulary: 2, length: 1, dim: 4, predictor: 4 }, 5],
];

describe.each(shapes)('%s', (_, config, rows) => {
  let it: Awaited<ReturnType<typeof pair>>;
  beforeAll(async () => {
    it = await pair(config, rows);
  });
  afterAll(() => it.controller.dispose());

  test('embeddings, predictions, greedy decoding, proposals', async () => {
    const { controller, reference, tokens } = it;
    expect(difference(await controller.embed(tokens), reference.embed(tokens))).toBeLessThan(VALUES);
    expect(difference(await controller.predict(tokens), reference.predict(tokens))).toBeLessThan(VALUES);
    expectDecoded(await controller.reconstruct(tokens), reference.reconstruct(tokens));
    for (const step of [1, 30]) {
      const found = await controller.propose(tokens, step);
      const expected = reference.propose(tokens, step);
      expect(difference(found.embeddings, expected.embeddings)).toBeLessThan(GRADIENTS);
      expect(difference(found.predicted, expected.predicted)).toBeLessThan(GRADIENTS);
      expectDecoded(found.decoded, expected);
    }
  });

  test('eq. 2: loss and gradient, with and without a metric gradient', async () => {
    const { controller, reference, tokens, metric } = it;
    for (const fed of [undefined, metric]) {
      const expected = reference.pretrain(tokens, fed);
      const found = await controller.pretrainGradients(tokens, fed);
      expect(difference(flatten(config, found), expected.gradient)).toBeLessThan(GRADIENTS);
      const activations = await controller.encode(tokens);
      const step = await controller.pretrainStep(activations, {
        ...(fed && { metricGradient: fed }),
        learningRate: 0,
      });
      activations.dispose();
      expect(step.reconstruction).toBeCloseTo(expected.reconstruction, 5);
      expect(difference([step.gradientNorm], [Math.hypot(...expected.gradient)])).toBeLessThan(GRADIENTS);
    }
  });

  test('eq. 1: losses and gradient', async () => {
    const { controller, reference, tokens, targets } = it;
    for (const tradeoff of [0, 0.3, 1]) {
      const expected = reference.search(tokens, targets, tradeoff);
      const found = await controller.searchGradients(tokens, targets, tradeoff);
      expect(difference(flatten(config, found), expected.gradient)).toBeLessThan(GRADIENTS);
      const { total, mse, reconstruction } = await controller.searchStep(tokens, {
        targets,
        tradeoff,
        learningRate: 0,
      });
      const losses = [expected.total, expected.mse, expected.reconstruction];
      expect(difference([total, mse, reconstruction], losses)).toBeLessThan(VALUES);
    }
  });
});

test('any shape: embeddings, losses and gradients', async () => {
  const shape = fc.record({
    vocabulary: fc.integer({ min: 2, max: 9 }),
    length: fc.integer({ min: 1, max: 7 }),
    dim: fc.integer({ min: 1, max: 3 }).map((n) => 4 * n),
    predictor: fc.integer({ min: 1, max: 3 }).map((n) => 4 * n),
  });
  await fc.assert(
    fc.asyncProperty(shape, fc.integer({ min: 1, max: 19 }), async (config, rows) => {
      const { controller, reference, tokens, targets, metric } = await pair(config, rows);
      try {
        expect(difference(await controller.embed(tokens), reference.embed(tokens))).toBeLessThan(VALUES);
        const expected = reference.pretrain(tokens, metric).gradient;
        const found = flatten(config, await controller.pretrainGradients(tokens, metric));
        expect(difference(found, expected)).toBeLessThan(GRADIENTS);
        const search = reference.search(tokens, targets, 0.5);
        const gradients = flatten(config, await controller.searchGradients(tokens, targets, 0.5));
        expect(difference(gradients, search.gradient)).toBeLessThan(GRADIENTS);
      } finally {
        controller.dispose();
      }
    }),
    { numRuns: 12 },
  );
});

test('cells that share steps have the bits of those computed on their own', async () => {
  const config = { vocabulary: 4, length: 7, dim: 8, predictor: 4 };
  const { controller } = await pair(config, 1);
  // More than a group, with every share of common beginnings and ends: all sequences of two tokens, some twice, and others.
  const rows = 2 ** 7 + 77;
  const tokens = Int32Array.from({ length: rows * config.length }, (_, i) => {
    const [row, t] = [Math.floor(i / config.length), i % config.length];
    return row < 128 ? (row >> t) & 1 : (row * (t + 1)) % config.vocabulary;
  });
  const together = await controller.embed(tokens);
  const predicted = await controller.predict(tokens);
  const activations = await controller.encode(tokens);
  expect(together).toEqual(activations.embeddings);
  activations.dispose();
  for (const row of [0, 1, 77, 127, 128, rows - 1]) {
    const alone = tokens.subarray(row * config.length, (row + 1) * config.length);
    expect(await controller.predict(alone)).toEqual(predicted.subarray(row, row + 1));
  }
  controller.dispose();
});

describe('steps', () => {
  const config = { vocabulary: 5, length: 6, dim: 8, predictor: 8 };

  test('move the weights against the gradient, clipped by its norm', async () => {
    const { controller, tokens, targets } = await pair(config, 9);
    const before = flatten(config, await controller.weights());
    const gradient = flatten(config, await controller.searchGradients(tokens, targets, 0.5));
    const clipNorm = 0.01;
    const step = { targets, tradeoff: 0.5, learningRate: 0.2, clipNorm };
    const { gradientNorm } = await controller.searchStep(tokens, step);
    expect(gradientNorm).toBeCloseTo(Math.hypot(...gradient), 5);
    const scale = 0.2 * (clipNorm / (gradientNorm + 1e-6));
    const after = flatten(config, await controller.weights());
    expect(
      difference(
        after,
        before.map((w, i) => w - scale * gradient[i]!),
      ),
    ).toBeLessThan(1e-7);
    controller.dispose();
  });

  test('with a frozen encoder move the predictor alone', async () => {
    const { controller, reference, tokens, targets } = await pair(config, 9);
    const before = await controller.weights();
    const step = { targets, tradeoff: 0.5, learningRate: 0.2, freezeEncoder: true };
    const found = await controller.searchStep(tokens, step);
    const expected = reference.search(tokens, targets, 0.5);
    expect(difference([found.total], [expected.total])).toBeLessThan(VALUES);
    const moved = Object.entries(await controller.weights()).filter(([name, w]) =>
      w.some((x, i) => x !== before[name]![i]),
    );
    const predictor = Object.keys(before).filter((name) => /mlp|regressor/.test(name));
    expect(moved.map(([name]) => name)).toEqual(predictor);
    controller.dispose();
  });

  test('learn: the loss of a small batch falls', async () => {
    const { controller, tokens } = await pair(config, 8);
    const losses: number[] = [];
    for (let i = 0; i < 200; i++) {
      const activations = await controller.encode(tokens);
      losses.push((await controller.pretrainStep(activations, { learningRate: 1 })).reconstruction);
      activations.dispose();
    }
    // At this rate the loss spikes now and then.
    expect(Math.min(...losses.slice(-20))).toBeLessThan(losses[0]! * 0.6);
    controller.dispose();
  });
});

describe('weights far out', () => {
  const config = { vocabulary: 5, length: 8, dim: 8, predictor: 8 };
  test.each([0.01, 5, 20])('× %d', async (factor) => {
    const { controller, reference, tokens, targets } = await pair(config, 9, factor);
    expect(difference(await controller.embed(tokens), reference.embed(tokens))).toBeLessThan(2e-5);
    const expected = reference.search(tokens, targets, 0.5);
    const found = flatten(config, await controller.searchGradients(tokens, targets, 0.5));
    expect(difference(found, expected.gradient)).toBeLessThan(1e-3);
    controller.dispose();
  });

  test('all zero: even chances everywhere', async () => {
    const { controller, tokens, targets } = await pair(config, 9, 0);
    const found = await controller.searchStep(tokens, { targets, tradeoff: 0.5, learningRate: 0 });
    expect(found.reconstruction).toBeCloseTo(Math.log(5), 6);
    expect([...(await controller.predict(tokens))]).toEqual(new Array(9).fill(0.5));
    controller.dispose();
  });

  test.each([Number.NaN, 1e30])('%d in one weight: the step says so and ends', async (poison) => {
    const { controller, tokens, targets } = await pair(config, 9);
    const weights = await controller.weights();
    weights['encoder.out_proj.weight']![3] = poison;
    await controller.load(weights);
    const found = await controller.searchStep(tokens, {
      targets,
      tradeoff: 0.5,
      learningRate: 0.1,
      clipNorm: 5,
    });
    if (Number.isNaN(poison)) expect([found.total, found.gradientNorm]).toEqual([Number.NaN, Number.NaN]);
    const decoded = await controller.reconstruct(tokens);
    expect(decoded.every((token) => token >= 0 && token < config.vocabulary)).toBe(true);
    controller.dispose();
  });
});

describe('what is handed in and out', () => {
  const config = { vocabulary: 5, length: 6, dim: 8, predictor: 8 };
  let controller: Controller;
  let tokens: Int32Array;
  beforeAll(async () => {
    ({ controller, tokens } = await pair(config, 9));
  });
  afterAll(() => controller.dispose());

  test('wrong sizes and tokens are named', async () => {
    await expect(controller.embed(tokens.subarray(1))).rejects.toThrow('53 tokens are no rows of 6');
    await expect(controller.embed(new Int32Array())).rejects.toThrow('0 tokens');
    await expect(controller.predict(Int32Array.of(0, 1, 2, 3, 4, 5))).rejects.toThrow('token 5 in row 0');
    await expect(controller.predict(Int32Array.of(0, 1, 2, 3, 4, -1))).rejects.toThrow('token -1 in row 0');
    const step = { targets: new Float32Array(2), tradeoff: 0.5, learningRate: 0 };
    await expect(controller.searchStep(tokens, step)).rejects.toThrow('2 targets for 9 sequences');
    const metricGradient = new Float32Array(3);
    await expect(controller.pretrainGradients(tokens, metricGradient)).rejects.toThrow(
      'metric gradient of 3 values',
    );
  });

  test('stale, disposed and foreign activations are refused', async () => {
    const activations = await controller.encode(tokens);
    await controller.load(await controller.weights());
    await expect(controller.pretrainStep(activations, { learningRate: 0 })).rejects.toThrow('stale');
    activations.dispose();
    activations.dispose();
    await expect(controller.pretrainStep(activations, { learningRate: 0 })).rejects.toThrow('disposed');
    const foreign = { rows: 9, embeddings: new Float32Array(72), dispose() {} };
    await expect(controller.pretrainStep(foreign, { learningRate: 0 })).rejects.toThrow('another controller');
  });

  test('more rows than a piece', async () => {
    const rows = 4096 + 13;
    const many = Int32Array.from({ length: rows * config.length }, (_, i) => tokens[i % tokens.length]!);
    const some = await controller.embed(tokens);
    const all = await controller.embed(many);
    expect(all.length).toBe(rows * config.dim);
    expect([...all.subarray(4095 * config.dim)]).toEqual(
      Array.from({ length: 14 * config.dim }, (_, i) => some[(4095 * config.dim + i) % some.length]!),
    );
  });

  test('a wrong shape or number of threads is named', async () => {
    const weights = await controller.weights();
    await expect(engine.controller({ ...config, dim: 6 }, weights)).rejects.toThrow('dim is 6');
    await expect(engine.controller({ ...config, length: 0 }, weights)).rejects.toThrow('length is 0');
    await expect(engine.controller({ ...config, vocabulary: 6 }, weights)).rejects.toThrow(
      "'encoder.embedding.weight'",
    );
    await expect(createSimdEngine({ threads: 0 })).rejects.toThrow('threads is 0');
  });
});

test('resources are counted to the last', async () => {
  const config = { vocabulary: 5, length: 6, dim: 8, predictor: 8 };
  const counted = await createSimdEngine({ threads: 1 });
  expect(counted.resources()).toBe(0);
  const controller = await counted.controller(config, initialWeights(config, 1));
  const idle = counted.resources();
  const tokens = new Int32Array(60 * config.length);
  const activations = await controller.encode(tokens);
  expect(counted.resources()).toBe(idle + 1);
  await controller.propose(tokens, 1);
  await controller.pretrainStep(activations, { learningRate: 0 });
  activations.dispose();
  expect(counted.resources()).toBe(idle);
  await controller.encode(tokens);
  controller.dispose();
  expect(counted.resources()).toBe(0);
  await expect(controller.embed(tokens)).rejects.toThrow('disposed');
  await counted.dispose();
  await expect(counted.controller(config, initialWeights(config, 1))).rejects.toThrow('disposed');
});
