import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ControllerConfig, Weights } from '../../../src/core/controller/config.js';
import {
  firstNonFinite,
  flatten,
  initialWeights,
  parameterShapes,
  unflatten,
} from '../../../src/core/controller/weights.js';
import type { Controller, Engine } from '../../../src/core/engine/engine.js';
import { loadTfjs } from '../../../src/core/engine/tfjs/load.js';
import { stream } from '../../../src/core/random/random.js';
import { AutodiffController } from '../../support/autodiffController.js';
import { loadableEngines } from '../../support/engines.js';

/** Shapes of several kinds: the two spaces, and small odd ones. */
const configs: Record<string, ControllerConfig & { rows: number }> = {
  nasbench101: { vocabulary: 7, length: 27, dim: 16, predictor: 64, rows: 13 },
  nasbench201: { vocabulary: 8, length: 35, dim: 16, predictor: 64, rows: 5 },
  narrow: { vocabulary: 5, length: 6, dim: 8, predictor: 12, rows: 3 },
  'one row': { vocabulary: 7, length: 9, dim: 16, predictor: 32, rows: 1 },
};

function randomTokens({ vocabulary, length }: ControllerConfig, rows: number, seed = 1): Int32Array {
  const random = stream(seed, 'tokens');
  return Int32Array.from({ length: rows * length }, () => random.int(vocabulary));
}

function randomValues(size: number, seed: number, scale = 1): Float32Array {
  const random = stream(seed, 'values');
  return Float32Array.from({ length: size }, () => scale * random.normal());
}

const randomTargets = (rows: number) => randomValues(rows, 3).map((value) => 1 / (1 + Math.exp(-value)));

/** Largest difference of any parameter, as a share of the largest gradient. */
function difference(config: ControllerConfig, found: Weights, expected: Weights): number {
  const a = flatten(config, found);
  const b = flatten(config, expected);
  const scale = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0) / scale;
}

const tfjs = await loadTfjs({ intraOpThreads: 1 }).catch(() => undefined);

describe.each(loadableEngines)('engine %s', (_, create) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await create({ threads: 1 });
  });
  afterAll(() => engine.dispose());

  describe.each(Object.entries(configs))('%s', (_, { rows, ...config }) => {
    const weights = initialWeights(config, 7);
    const tokens = randomTokens(config, rows);
    const targets = randomTargets(rows);
    const metricGradient = randomValues(rows * config.dim, 4, 0.01);
    let controller: Controller;
    beforeAll(async () => {
      controller = await engine.controller(config, weights);
    });
    afterAll(() => controller.dispose());

    test.skipIf(!tfjs)('agrees with automatic differentiation', async () => {
      const reference = new AutodiffController(tfjs!, config);
      const pretrain = reference.pretrain(weights, tokens, metricGradient);
      expect(
        difference(config, await controller.pretrainGradients(tokens, metricGradient), pretrain.gradients),
      ).toBeLessThan(2e-5);
      const search = reference.search(weights, tokens, targets, 0.3);
      expect(
        difference(config, await controller.searchGradients(tokens, targets, 0.3), search.gradients),
      ).toBeLessThan(2e-5);
      const { total } = await controller.searchStep(tokens, { targets, tradeoff: 0.3, learningRate: 0 });
      expect(total).toBeCloseTo(search.loss, 5);
      const moved = reference.move(weights, tokens, 3);
      const { embeddings } = await controller.propose(tokens, 3);
      expect(Math.max(...embeddings.map((value, i) => Math.abs(value - moved[i]!)))).toBeLessThan(1e-5);
    });

    test('agrees with finite differences', async () => {
      const flat = flatten(config, weights);
      const direction = randomValues(flat.length, 5);
      const lossAt = async (distance: number) => {
        await controller.load(
          unflatten(
            config,
            flat.map((value, i) => value + distance * direction[i]!),
          ),
        );
        return (await controller.searchStep(tokens, { targets, tradeoff: 0.3, learningRate: 0 })).total;
      };
      await controller.load(weights);
      const gradient = flatten(config, await controller.searchGradients(tokens, targets, 0.3));
      const slope = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
      const step = 2e-3;
      const measured = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      await controller.load(weights);
      expect(Math.abs(measured - slope)).toBeLessThan(5e-3 * Math.max(1, Math.abs(slope)));
    });

    test('a pretraining step without a metric is plain SGD on its gradients', async () => {
      const gradients = flatten(config, await controller.pretrainGradients(tokens));
      const activations = await controller.encode(tokens);
      const { gradientNorm } = await controller.pretrainStep(activations, {
        learningRate: 0.5,
        clipNorm: 0.1,
      });
      activations.dispose();
      expect(gradientNorm).toBeCloseTo(Math.hypot(...gradients), 5);
      const scale = 0.5 * Math.min(1, 0.1 / (gradientNorm + 1e-6));
      const before = flatten(config, weights);
      const after = flatten(config, await controller.weights());
      await controller.load(weights);
      for (let i = 0; i < after.length; i++)
        expect(after[i]).toBeCloseTo(before[i]! - scale * gradients[i]!, 5);
    });

    test('a weight of the reconstruction scales its part of the gradient, and not that of the metric', async () => {
      const change = async (step: { reconstructionWeight?: number; metric: boolean }) => {
        const activations = await controller.encode(tokens);
        const { reconstruction } = await controller.pretrainStep(activations, {
          learningRate: 1,
          ...(step.metric && { metricGradient }),
          ...(step.reconstructionWeight !== undefined && {
            reconstructionWeight: step.reconstructionWeight,
          }),
        });
        activations.dispose();
        const before = flatten(config, weights);
        const moved = flatten(config, await controller.weights()).map((value, i) => value - before[i]!);
        await controller.load(weights);
        return { reconstruction, moved };
      };
      const both = await change({ reconstructionWeight: 0.25, metric: true });
      const alone = await change({ metric: false });
      const metric = await change({ reconstructionWeight: 0, metric: true });
      expect(metric.reconstruction).toBe(alone.reconstruction);
      for (const [i, value] of both.moved.entries()) {
        expect(value).toBeCloseTo(0.25 * alone.moved[i]! + metric.moved[i]!, 5);
      }
      const nothing = await change({ reconstructionWeight: 0, metric: false });
      expect(nothing.moved.every((value) => value === 0)).toBe(true);
    });

    test('the same value from every way to it', async () => {
      const activations = await controller.encode(tokens);
      expect(activations.rows).toBe(rows);
      expect(await controller.embed(tokens)).toEqual(activations.embeddings);
      activations.dispose();
      const still = await controller.propose(tokens, 0);
      const predicted = await controller.predict(tokens);
      predicted.forEach((value, i) => {
        expect(still.predicted[i]).toBeCloseTo(value, 5);
      });
      expect(still.decoded).toEqual(await controller.reconstruct(tokens));
    });
  });

  describe('one controller', () => {
    const config: ControllerConfig = { vocabulary: 7, length: 9, dim: 16, predictor: 32 };
    const weights = initialWeights(config, 7);
    const rows = 24;
    const tokens = randomTokens(config, rows);
    const targets = randomTargets(rows);
    const search = { targets, tradeoff: 0.5, learningRate: 0.1 };

    test('frozen: only the predictor moves, the losses are the same', async () => {
      const controller = await engine.controller(config, weights);
      const free = await controller.searchStep(tokens, { ...search, learningRate: 0 });
      const frozen = await controller.searchStep(tokens, { ...search, freezeEncoder: true });
      expect(frozen.total).toBeCloseTo(free.total, 6);
      expect(frozen.gradientNorm).toBeLessThan(free.gradientNorm);
      const after = await controller.weights();
      for (const name of parameterShapes(config).keys()) {
        if (/\.(mlp|regressor)\./.test(name)) expect(after[name], name).not.toEqual(weights[name]);
        else expect(after[name], name).toEqual(weights[name]);
      }
      controller.dispose();
    });

    test('arrays given in are neither kept nor changed, arrays given out are the caller’s', async () => {
      const controller = await engine.controller(config, weights);
      const given = tokens.slice();
      const activations = await controller.encode(given);
      expect(given).toEqual(tokens);
      given.fill(0);
      activations.embeddings.fill(0);
      const { reconstruction } = await controller.pretrainStep(activations, { learningRate: 0 });
      activations.dispose();
      const { reconstruction: expected } = await controller.searchStep(tokens, {
        ...search,
        learningRate: 0,
      });
      expect(reconstruction).toBeCloseTo(expected, 6);
      const taken = await controller.weights();
      taken['decoder.out.bias']!.fill(9);
      expect(await controller.weights()).toEqual(weights);
      controller.dispose();
    });

    test('NaN in the weights comes out in losses and weights, and is named', async () => {
      const broken = unflatten(config, flatten(config, weights));
      broken['encoder.out_proj.weight']![3] = Number.NaN;
      expect(firstNonFinite(weights)).toBeUndefined();
      expect(firstNonFinite(broken)).toBe('encoder.out_proj.weight');
      const controller = await engine.controller(config, broken);
      const activations = await controller.encode(tokens);
      const step = await controller.pretrainStep(activations, { learningRate: 0.1, clipNorm: 1 });
      activations.dispose();
      expect(step.reconstruction).toBeNaN();
      expect(step.gradientNorm).toBeNaN();
      expect((await controller.searchStep(tokens, search)).total).toBeNaN();
      expect(firstNonFinite(await controller.weights())).toBeDefined();
      controller.dispose();
    });

    test.each([...parameterShapes(config).keys()])('NaN in %s: losses and weights say so', async (name) => {
      const broken = unflatten(config, flatten(config, weights));
      broken[name]!.fill(Number.NaN);
      const controller = await engine.controller(config, broken);
      const { total, gradientNorm } = await controller.searchStep(tokens, search);
      expect([total, gradientNorm]).toEqual([Number.NaN, Number.NaN]);
      expect(firstNonFinite(await controller.weights())).toBeDefined();
      controller.dispose();
    });

    test('rejects tokens that are none, and weights of another controller', async () => {
      const controller = await engine.controller(config, weights);
      await expect(controller.embed(new Int32Array(0))).rejects.toThrow(RangeError);
      await expect(controller.embed(new Int32Array(10))).rejects.toThrow('no rows of 9');
      await expect(controller.embed(new Int32Array(9).fill(7))).rejects.toThrow('token 7 in row 0');
      await expect(controller.load(initialWeights({ ...config, predictor: 8 }, 1))).rejects.toThrow(
        'encoder.mlp.0.weight',
      );
      await expect(engine.controller({ ...config, predictor: 8 }, weights)).rejects.toThrow(
        'encoder.mlp.0.weight',
      );
      controller.dispose();
    });

    test('counts its resources, to the last one', async () => {
      const own = await create({ threads: 1 });
      expect(own.resources()).toBe(0);
      const controller = await own.controller(config, weights);
      const work = async () => {
        const used = await controller.encode(tokens);
        const unused = await controller.encode(tokens);
        await controller.pretrainStep(used, { learningRate: 0.1 });
        used.dispose();
        unused.dispose();
        await controller.searchStep(tokens, search);
        await controller.searchStep(tokens, { ...search, freezeEncoder: true });
        await controller.propose(tokens, 1);
        await controller.reconstruct(tokens);
        await controller.embed(tokens);
        await controller.predict(tokens);
      };
      await work();
      const level = own.resources();
      for (let i = 0; i < 5; i++) await work();
      expect(own.resources()).toBe(level);
      const open = await controller.encode(tokens);
      controller.dispose();
      expect(own.resources()).toBe(0);
      open.dispose();
      await own.dispose();
      expect(own.resources()).toBe(0);
    });

    test('disposed of in the middle of a step: the step settles, nothing is left', async () => {
      const own = await create({ threads: 1 });
      const controller = await own.controller(config, weights);
      const activations = await controller.encode(tokens);
      const step = controller.pretrainStep(activations, { learningRate: 0.1 });
      controller.dispose();
      await Promise.allSettled([step]);
      expect(own.resources()).toBe(0);
      await expect(controller.embed(tokens)).rejects.toThrow('disposed');
      activations.dispose();
      await own.dispose();
    });
  });
});
