import { lastValueFrom, map, type Observable, Subject, take, tap, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { initialWeights } from '../../src/core/controller/weights.js';
import type { Controller, Engine } from '../../src/core/engine/engine.js';
import { openLoss } from '../../src/core/losses/index.js';
import { openMiner } from '../../src/core/miners/index.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';
import type { StepRow } from '../../src/operators/lossStep.js';
import { type PretrainOptions, pretrain } from '../../src/pipelines/pretrain.js';
import { loadableEngines } from '../support/engines.js';

const config = { vocabulary: space.vocabulary, length: space.sequenceLength, dim: 16, predictor: 64 };
let engine: Engine;

/** Pretraining at a small size. */
const streamOf = (controller: Controller, options: Partial<PretrainOptions> = {}) =>
  pretrain({
    space,
    controller,
    miner: openMiner('Angular', { angle: 20 }),
    loss: openLoss('MultiSimilarity'),
    weight: 1,
    seed: 1,
    batchSize: 64,
    samplesPerClass: 8,
    epochs: 1,
    steps: 12,
    learningRate: 1,
    ...options,
  });

/** The controller is gone when `use` has ended. */
async function withController<T>(use: (controller: Controller) => Promise<T>): Promise<T> {
  const controller = await engine.controller(config, initialWeights(config, 1));
  try {
    return await use(controller);
  } finally {
    controller.dispose();
  }
}

const withPretraining = <T>(
  options: Partial<PretrainOptions>,
  use: (rows: Observable<StepRow>, controller: Controller) => Promise<T>,
) => withController((controller) => use(streamOf(controller, options), controller));

const all = (rows: Observable<StepRow>) => lastValueFrom(rows.pipe(toArray()));

describe.each(loadableEngines)('pretrain on %s', (_, create) => {
  beforeAll(async () => {
    engine = await create({ threads: 1 });
  });
  afterAll(() => engine.dispose());

  it('gives one row a step, numbered from 0, with both losses', () =>
    withPretraining({}, async (stream) => {
      const rows = await all(stream);
      expect(rows.map(({ step }) => step)).toEqual([...Array(12).keys()]);
      for (const row of rows) {
        expect(row.total).toBeCloseTo(row.reconstruction + row.metric, 12);
        expect(row.mined).toBeGreaterThan(0);
      }
    }));

  it('learns: the reconstruction loss of an untrained controller falls', () =>
    withPretraining({ steps: 150, learningRate: 0.5 }, async (stream) => {
      const rows = await all(stream);
      expect(rows.at(-1)!.reconstruction).toBeLessThan(0.75 * rows[0]!.reconstruction);
    }));

  it('gives the same rows and weights for the same seed, others for another', async () => {
    const run = (seed: number) =>
      withPretraining({ seed }, async (stream, controller) => ({
        rows: await all(stream),
        weights: await controller.weights(),
      }));
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect((await run(2)).rows).not.toEqual(first.rows);
  });

  it('goes on from a step with the rows and weights of the uninterrupted run', async () => {
    const whole = await withPretraining({}, async (stream, controller) => ({
      rows: await all(stream),
      weights: await controller.weights(),
    }));
    await withController(async (controller) => {
      await all(streamOf(controller, { steps: 5 }));
      expect(await all(streamOf(controller, { firstStep: 5 }))).toEqual(whole.rows.slice(5));
      expect(await controller.weights()).toEqual(whole.weights);
    });
  });

  it('leaves nothing behind, wherever it is unsubscribed', async () => {
    const before = engine.resources();
    for (let events = 0; events <= 6; events++) {
      await withPretraining({}, async (stream) => {
        if (events === 0) stream.subscribe().unsubscribe();
        else await all(stream.pipe(take(events)));
      });
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(engine.resources()).toBe(before);
    }
  });

  it('on two threads, unsubscribed in the middle of a step: nothing is left, and the engine goes on', async () => {
    const own = await create({ threads: 2 });
    for (const delay of [0, 3, 10, 30]) {
      const controller = await own.controller(config, initialWeights(config, 1));
      const subscription = streamOf(controller, { steps: 1000 }).subscribe();
      await new Promise((resolve) => setTimeout(resolve, delay));
      subscription.unsubscribe();
      controller.dispose();
      await vi.waitFor(() => expect(own.resources()).toBe(0));
    }
    const controller = await own.controller(config, initialWeights(config, 1));
    expect(await all(streamOf(controller, { steps: 2 }))).toHaveLength(2);
    await own.dispose();
  });

  it('stops at the source when told to, and trains on what is held', async () => {
    const stop = new Subject<void>();
    await withPretraining({ steps: 1000, stop, capacity: 2 }, async (stream) => {
      const rows = await all(stream.pipe(tap(({ step }) => step === 3 && stop.next())));
      expect(rows.length).toBeGreaterThanOrEqual(4);
      expect(rows.length).toBeLessThanOrEqual(6);
    });
  });

  it('saves before the next step begins', async () => {
    const saved: number[] = [];
    await withPretraining(
      {
        checkpointEvery: 4,
        save: async ({ step }) => {
          await new Promise((resolve) => setTimeout(resolve, 10));
          saved.push(step);
        },
      },
      async (stream) => {
        const savedBefore = await lastValueFrom(
          stream.pipe(
            map(() => saved.length),
            toArray(),
          ),
        );
        expect(savedBefore.slice(0, 5)).toEqual([0, 0, 0, 1, 1]);
      },
    );
    expect(saved).toEqual([3, 7, 11]);
  });

  it('names the step and the tensor when training diverges', () =>
    withPretraining({ steps: 200, learningRate: 1e30 }, async (stream) => {
      await expect(all(stream)).rejects.toThrow(
        /diverged at step \d+: the .* is not finite, the first spoilt tensor is (en|de)coder\./,
      );
    }));
});
