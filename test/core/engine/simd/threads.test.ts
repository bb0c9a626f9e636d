import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ControllerConfig } from '../../../../src/core/controller/config.js';
import { flatten, initialWeights } from '../../../../src/core/controller/weights.js';
import type { Controller } from '../../../../src/core/engine/engine.js';
import { SimdEngine } from '../../../../src/core/engine/simd/engine.js';
import { loadModule } from '../../../../src/core/engine/simd/module.js';
import { stream } from '../../../../src/core/random/random.js';

const config: ControllerConfig = { vocabulary: 5, length: 8, dim: 8, predictor: 8 };
const weights = initialWeights(config, 5);
const rows = 203;
const random = stream(2, 'threads');
const tokens = Int32Array.from({ length: rows * config.length }, () => random.int(config.vocabulary));
const targets = Float32Array.from({ length: rows }, () => random.float());
const metricGradient = Float32Array.from({ length: rows * config.dim }, () => random.normal() / rows);

const module = await loadModule();
const engines: SimdEngine[] = [];
function newEngine(threads: number, workerScript?: URL): SimdEngine {
  const engine = new SimdEngine(module, threads, 'simd', workerScript);
  engines.push(engine);
  return engine;
}
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.dispose()));
  vi.unstubAllGlobals();
});

const beside = (file: string) => new URL(file, import.meta.url);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Until a worker took a shard from the main thread. */
async function untilWorkersHelp(engine: SimdEngine, controller: Controller): Promise<void> {
  const { kernels } = engine.runtime;
  let own = 0;
  const runShard: typeof kernels.runShard = (...task) => {
    own++;
    kernels.runShard(...task);
  };
  const count = (counted: typeof kernels) =>
    Object.defineProperty(engine.runtime, 'kernels', { value: counted, configurable: true });
  count({ ...kernels, runShard });
  const shards = 13; // 203 rows are 26 chunks, two a shard
  do {
    own = 0;
    await pause(5);
    await controller.embed(tokens);
  } while (own === shards);
  count(kernels);
}

/** Some of everything; the bits of weights and results. */
async function work(controller: Controller, steps = 6): Promise<number[]> {
  await controller.load(weights);
  for (let i = 0; i < steps; i++) {
    const activations = await controller.encode(tokens);
    await controller.pretrainStep(activations, { metricGradient, learningRate: 0.5 });
    activations.dispose();
    await controller.searchStep(tokens, { targets, tradeoff: 0.5, learningRate: 0.1, clipNorm: 0.1 });
  }
  const { decoded, predicted, embeddings } = await controller.propose(tokens, 3);
  return [...flatten(config, await controller.weights()), ...decoded, ...predicted, ...embeddings];
}

/** On one thread. */
const expected = await (async () => {
  const result = await work(await newEngine(1).controller(config, weights));
  await engines.pop()!.dispose();
  return result;
})();

test.each([2, 3, 5])('%i threads give the bits of one', async (threads) => {
  const engine = newEngine(threads);
  const controller = await engine.controller(config, weights);
  expect(engine.runtime.pool.threads).toBe(threads);
  await untilWorkersHelp(engine, controller);
  expect(await work(controller)).toEqual(expected);
});

test('two controllers of different shape share the threads', async () => {
  const engine = newEngine(2);
  const other: ControllerConfig = { vocabulary: 4, length: 5, dim: 4, predictor: 4 };
  const controller = await engine.controller(config, weights);
  const second = await engine.controller(other, initialWeights(other, 1));
  const otherTokens = new Int32Array(40 * other.length).fill(3);
  const alone = await second.embed(otherTokens);
  const [result, beside] = await Promise.all([work(controller), second.embed(otherTokens)]);
  expect(result).toEqual(expected);
  expect(beside).toEqual(alone);
});

describe('a worker that ends', () => {
  test('with a shard in its hands: the shard is done again, the result is the same', async () => {
    const engine = newEngine(3, beside('crashingWorker.mjs'));
    const controller = await engine.controller(config, weights);
    // They end by drawing a shard, as soon as they are up.
    while (engine.runtime.pool.threads > 1) expect(await work(controller)).toEqual(expected);
    controller.dispose();
    expect(engine.resources()).toBe(0);
  });

  test('before it began: nobody waits for it', async () => {
    const engine = newEngine(2, beside('thereIsNoSuchWorker.mjs'));
    const controller = await engine.controller(config, weights);
    expect(await work(controller)).toEqual(expected);
  });

  test('at any moment', async () => {
    for (const delay of [0, 1, 3, 10]) {
      const engine = newEngine(2);
      const controller = await engine.controller(config, weights);
      await untilWorkersHelp(engine, controller);
      const ended = pause(delay).then(() => engine.runtime.pool.workers.map((worker) => worker.terminate()));
      expect(await work(controller)).toEqual(expected);
      await ended;
    }
  });
});

describe('without threads', () => {
  test('where workers may not be started', async () => {
    const engine = newEngine(2, new URL('https://example.invalid/worker.js'));
    const controller = await engine.controller(config, weights);
    expect(engine.runtime.pool.threads).toBe(1);
    expect(await work(controller)).toEqual(expected);
  });

  test('where SharedArrayBuffer and Atomics are missing', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    vi.stubGlobal('Atomics', undefined);
    const engine = newEngine(2);
    const controller = await engine.controller(config, weights);
    expect(engine.runtime.pool.threads).toBe(1);
    expect(await work(controller)).toEqual(expected);
  });
});

describe('disposing', () => {
  test('of a controller in the middle of a step: the step is refused, nothing is left', async () => {
    const engine = newEngine(2);
    const controller = await engine.controller(config, weights);
    const step = controller.searchStep(tokens, { targets, tradeoff: 0.5, learningRate: 0.1 });
    const kept = controller.encode(tokens);
    controller.dispose();
    await expect(step).rejects.toThrow('disposed');
    await expect(kept).rejects.toThrow('disposed');
    expect(engine.resources()).toBe(0);
  });

  test('of the engine in the middle of a step: it ends, nothing is left', async () => {
    const engine = newEngine(2);
    const controller = await engine.controller(config, weights);
    const step = controller.searchStep(tokens, { targets, tradeoff: 0.5, learningRate: 0.1 });
    const disposed = engine.dispose();
    await expect(step).rejects.toThrow('disposed');
    await disposed;
    expect(engine.resources()).toBe(0);
  });

  test('and opening again', async () => {
    const engine = newEngine(2);
    for (let i = 0; i < 3; i++) {
      const controller = await engine.controller(config, weights);
      expect(engine.runtime.pool.threads).toBe(2);
      await controller.embed(tokens);
      controller.dispose();
      expect(engine.runtime.pool.threads).toBe(1);
      expect(engine.resources()).toBe(0);
    }
  });

  test('leaves no memory behind: a thousand steps use what the first one did', async () => {
    const engine = newEngine(2);
    const controller = await engine.controller(config, weights);
    const some = tokens.subarray(0, 16 * config.length);
    await (await controller.encode(some)).dispose();
    const size = engine.runtime.memory.buffer.byteLength;
    for (let i = 0; i < 1000; i++) {
      const activations = await controller.encode(some);
      await controller.pretrainStep(activations, { learningRate: 0 });
      activations.dispose();
    }
    expect(engine.runtime.memory.buffer.byteLength).toBe(size);
  });
});
