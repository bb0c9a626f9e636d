import { describe, expect, test } from 'vitest';
import type { ControllerConfig } from '../../../../src/core/controller/config.js';
import { flatten, initialWeights } from '../../../../src/core/controller/weights.js';
import type { Controller } from '../../../../src/core/engine/engine.js';
import { loadModule } from '../../../../src/core/engine/simd/module.js';
import { createTfjsEngine } from '../../../../src/core/engine/tfjs/index.js';
import { loadTfjs } from '../../../../src/core/engine/tfjs/load.js';
import { canStartThreads, ShardThread, split } from '../../../../src/core/engine/tfjs/threads.js';
import { stream } from '../../../../src/core/random/random.js';

const config: ControllerConfig = { vocabulary: 7, length: 9, dim: 16, predictor: 32 };
const weights = initialWeights(config, 7);
const rows = 31;
const random = stream(1, 'threads');
const tokens = Int32Array.from({ length: rows * config.length }, () => random.int(config.vocabulary));
const targets = Float32Array.from({ length: rows }, () => random.float());
const metricGradient = Float32Array.from({ length: rows * config.dim }, () => 0.01 * random.normal());

test('rows are divided without a gap, nearly evenly, and not at all when they are few', () => {
  expect(split(512, 2)).toEqual([
    [0, 256],
    [256, 512],
  ]);
  expect(split(31, 2)).toEqual([
    [0, 16],
    [16, 31],
  ]);
  expect(split(15, 2)).toEqual([[0, 15]]);
  expect(split(1, 2)).toEqual([[0, 1]]);
});

const loads = await loadTfjs({ intraOpThreads: 1 }).then(
  () => true,
  () => false,
);

test.each([
  ['exits', 'process.exit(3)'],
  ['throws', 'throw new Error("broken")'],
])('a thread that %s rejects what it was asked, and what it is asked later', async (_, code) => {
  const data = { addon: '', module: await loadModule() };
  const thread = new ShardThread(data, new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  await expect(thread.open(0, config)).rejects.toThrow('a worker thread of the tfjs engine has ended');
  await expect(thread.open(1, config)).rejects.toThrow('has ended');
  await thread.close();
});

test('refuses numbers of threads that it does not have', async () => {
  await expect(createTfjsEngine({ threads: 17 })).rejects.toMatchObject({ exitCode: 2 });
  await expect(createTfjsEngine({ threads: 0 })).rejects.toMatchObject({ exitCode: 2 });
});

describe.skipIf(!loads || !canStartThreads)('two threads', () => {
  async function everything(controller: Controller) {
    const activations = await controller.encode(tokens);
    const { embeddings } = activations;
    const pretrain = await controller.pretrainStep(activations, { metricGradient, learningRate: 0.5 });
    activations.dispose();
    const search = await controller.searchStep(tokens, {
      targets,
      tradeoff: 0.5,
      learningRate: 0.5,
      clipNorm: 1,
    });
    const proposals = await controller.propose(tokens, 2);
    const few = await controller.embed(tokens.subarray(0, 3 * config.length));
    const predicted = await controller.predict(tokens);
    const decoded = await controller.reconstruct(tokens);
    const after = flatten(config, await controller.weights());
    return { embeddings, pretrain, search, proposals, few, predicted, decoded, after };
  }

  test('compute what one does, the same at every run, for several controllers, and leave nothing', async () => {
    const single = await createTfjsEngine({ threads: 1 });
    const one = await everything(await single.controller(config, weights));
    await single.dispose();

    const engine = await createTfjsEngine({ threads: 2 });
    expect(engine.threads).toBe(2);
    const [first, second] = await Promise.all([1, 2].map(() => engine.controller(config, weights)));
    const two = await everything(first!);
    expect(await second!.weights()).toEqual(weights);
    first!.dispose();
    expect(await everything(second!)).toEqual(two);
    expect(engine.resources()).toBeGreaterThan(2);
    second!.dispose();
    expect(engine.resources()).toBe(0);
    const third = await engine.controller(config, weights);
    expect(await third.embed(tokens)).toEqual(two.embeddings);
    await engine.dispose();
    expect(engine.resources()).toBe(0);

    expect(two.proposals.decoded).toEqual(one.proposals.decoded);
    expect(two.decoded).toEqual(one.decoded);
    for (const of of ['embeddings', 'few', 'predicted', 'after'] as const) {
      two[of].forEach((value, i) => {
        expect(value).toBeCloseTo(one[of][i]!, 5);
      });
    }
    expect(two.pretrain.gradientNorm).toBeCloseTo(one.pretrain.gradientNorm, 5);
    expect(two.search.total).toBeCloseTo(one.search.total, 5);
  });

  test('an error in a thread is the caller’s and the engine goes on; disposed of in mid-step, the step settles', async () => {
    const engine = await createTfjsEngine({ threads: 2 });
    const controller = await engine.controller(config, weights);
    const used = await controller.encode(tokens);
    await controller.pretrainStep(used, { learningRate: 0.1 });
    await expect(controller.pretrainStep(used, { learningRate: 0.1 })).rejects.toThrow('used or disposed');
    const activations = await controller.encode(tokens);
    const step = controller.pretrainStep(activations, { learningRate: 0.1 });
    const ended = engine.dispose();
    await expect(step).rejects.toThrow('disposed');
    await ended;
    expect(engine.resources()).toBe(0);
    activations.dispose();
    used.dispose();
  });
});
