import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { defer, finalize, lastValueFrom, map, Observable, pipe, take, tap, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import type { Benchmark } from '../../src/core/benchmark/benchmark.js';
import { mnistProtocol } from '../../src/core/benchmark/live/protocol.js';
import type { TrainingExecutor, TrainingWork } from '../../src/core/benchmark/live/training.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import type { Controller, Engine } from '../../src/core/engine/engine.js';
import { openLoss } from '../../src/core/losses/index.js';
import { openMiner } from '../../src/core/miners/index.js';
import { stream } from '../../src/core/random/random.js';
import { Pool } from '../../src/core/search/pool.js';
import { nasbench201 } from '../../src/core/space/nasbench201.js';
import { embedCells, pull, record, replay, trainCells } from '../../src/operators/index.js';
import { pretrain } from '../../src/pipelines/pretrain.js';
import { search } from '../../src/pipelines/search.js';
import { nao } from '../../src/pipelines/searchers/nao.js';
import { loadableEngines } from '../support/engines.js';
import { figure, fullSize } from '../support/figure.js';

/** What every operator gives out is counted, and made to fail at one place. */
const watch = vi.hoisted(() => ({
  /** Items that each operator has given out. */
  given: new Map<string, number>(),
  fault: { operator: '', item: -1 },
  subscribed: 0,
  finalised: 0,
}));

vi.mock('../../src/core/spec/defineOperator.js', async (original) => {
  const real = await original<typeof import('../../src/core/spec/defineOperator.js')>();
  const watched = (name: string, source: Observable<unknown>) =>
    defer(() => {
      watch.subscribed++;
      return source.pipe(
        map((item) => {
          const index = watch.given.get(name) ?? 0;
          watch.given.set(name, index + 1);
          if (name === watch.fault.operator && index === watch.fault.item) throw new Error('injected');
          return item;
        }),
        finalize(() => watch.finalised++),
      );
    });
  const defineOperator: typeof real.defineOperator = (spec, create) => {
    const around = (...args: never[]) => {
      const made = create(...args);
      if (made instanceof Observable) return watched(spec.name, made);
      return (source: Observable<unknown>) =>
        watched(spec.name, (made as (source: unknown) => Observable<unknown>)(source));
    };
    return real.defineOperator(spec, around as unknown as typeof create);
  };
  return { ...real, defineOperator };
});

/** Calls of the things that operators use; the one of this number fails. */
const calls = { count: 0, failing: -1, names: [] as string[] };

/** The same object, each of whose methods counts and may fail. */
function fragile<T extends object>(name: string, target: T): T {
  return new Proxy(target, {
    get(_, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.names.push(`${name}.${String(key)}`);
        if (calls.count++ === calls.failing) throw new Error('injected');
        return value.apply(target, args);
      };
    },
  });
}

const space = nasbench201;

/** Activations that are not yet disposed of, and that were more than once. */
const activations = { live: 0, twice: 0 };

/** The controller, its activations counted. */
const counted = (controller: Controller): Controller =>
  new Proxy(controller, {
    get(_, key) {
      if (key === 'encode') {
        return async (tokens: Int32Array) => {
          const made = await controller.encode(tokens);
          activations.live++;
          let disposed = false;
          return {
            rows: made.rows,
            embeddings: made.embeddings,
            inner: made,
            dispose() {
              if (disposed) activations.twice++;
              else activations.live--;
              disposed = true;
              made.dispose();
            },
          };
        };
      }
      if (key === 'pretrainStep') {
        return (wrapped: { inner: never }, step: never) => controller.pretrainStep(wrapped.inner, step);
      }
      if (key === 'propose') {
        // An untrained decoder makes no cells; this one makes what a trained one does.
        return async (tokens: Int32Array, step: number) => {
          const proposed = await controller.propose(tokens, step);
          const random = stream(step);
          for (let at = 0; at < tokens.length; at += space.sequenceLength) {
            space.encode(space.sample(random), proposed.decoded, at);
          }
          return proposed;
        };
      }
      const value = Reflect.get(controller, key, controller);
      return typeof value === 'function' ? value.bind(controller) : value;
    },
  });

const config = { vocabulary: space.vocabulary, length: space.sequenceLength, dim: 8, predictor: 16 };
let engine: Engine;

const openFiles = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);
const state = () => ({
  tensors: engine.resources(),
  files: openFiles(),
  handles: process.getActiveResourcesInfo().filter((name) => !/Timeout|Immediate/.test(name)).length,
});

/** What is alive is what was alive before, and every subscription was finalised once. */
async function atRest(before: ReturnType<typeof state>): Promise<void> {
  // A call that was under way when its stream ended still comes back.
  for (let count = -1; count !== calls.count; await setTimeout(5)) count = calls.count;
  await vi.waitFor(
    () => {
      expect(state()).toEqual(before);
      expect(watch.finalised).toBe(watch.subscribed);
      expect(activations).toEqual({ live: 0, twice: 0 });
    },
    { timeout: 5000, interval: 2 },
  );
}

type Use = (events: Observable<unknown>) => Promise<unknown>;

const controllerFor = async (use: (controller: Controller) => Promise<unknown>) => {
  const controller = await engine.controller(config, initialWeights(config, 1));
  try {
    return await use(controller);
  } finally {
    controller.dispose();
  }
};

const steps = 3;
const benchmark: Benchmark = {
  name: 'synthetic',
  summary: 'made in this test',
  provenance: 'made in this test',
  space,
  cells: space.size,
  has: () => true,
  async lookup(cell) {
    const accuracy = stream(0, cell).float();
    return { validation: [accuracy], test: [accuracy], parameters: 1, seconds: 1 };
  },
};

/** The pipelines, small; together they use every operator. */
const pipelines: Record<string, (use: Use) => Promise<unknown>> = {
  pretrain: (use) =>
    controllerFor((controller) =>
      use(
        pretrain({
          space: fragile('space', space),
          controller: fragile('controller', counted(controller)),
          miner: fragile('miner', openMiner('MultiSimilarity')),
          loss: fragile('loss', openLoss('MultiSimilarity')),
          run: fragile('run', { append() {} }),
          save: fragile('run', { checkpoint: async () => {} }).checkpoint,
          ...{ weight: 1, seed: 1, batchSize: 16, samplesPerClass: 8, epochs: 1, steps, learningRate: 0.1 },
          ...{ checkpointEvery: 2, capacity: 2 },
        }),
      ),
    ),
  search: (use) =>
    controllerFor((controller) => {
      const pool = new Pool({ benchmark, searcher: 'nao', seed: 1 });
      const resources = {
        controller: fragile('controller', counted(controller)),
        benchmark: fragile('benchmark', benchmark),
        pool: fragile('pool', pool),
      };
      const searcher = nao({
        ...resources,
        seed: 1,
        initial: 8,
        perRound: 2,
        training: { epochs: 1, batch: 4 },
      });
      const { checkpoint } = fragile('run', { checkpoint: async () => {} });
      return use(search({ ...resources, searcher, budget: 12, rounds: 3, checkpoint }));
    }),
  embed: (use) =>
    controllerFor((controller) => {
      const cells = space.cells().subarray(0, 20);
      return use(
        embedCells({ space, controller: fragile('controller', counted(controller)), cells, rows: 8 }).pipe(
          record({ run: fragile('run', { append() {} }), event: 'embedding' }),
        ),
      );
    }),
  replay: (use) => use(replay({ run: 'test/golden/runs/search-1' }).pipe(take(12))),
  measure: (use) => {
    const credit = new Credit(2);
    const images = { format: 'idx', folder: '', sha256: '' } as const;
    const work = Array.from({ length: 4 }, (_, cell) => ({
      cell,
      repeat: 0,
      protocol: mnistProtocol,
      images,
    }));
    const executor = fragile('executor', {
      slots: 2,
      run: async ({ cell, repeat }: TrainingWork) => ({
        ...{ cell, repeat, validation: 1, test: 1, parameters: 1, seconds: 1 },
      }),
    });
    const start = (): TrainingExecutor => ({ slots: 2, run: executor.run, close: async () => {} });
    return use(pull(work, credit).pipe(trainCells({ start, credit })));
  },
};

const all: Use = (events) => lastValueFrom(events.pipe(toArray()), { defaultValue: [] });

/** A stream that swallows an error and waits for ever is named, rather than waited for. */
const ending = (work: Promise<unknown>) =>
  Promise.race([
    work,
    setTimeout(20_000, undefined, { ref: false }).then(() => {
      throw new Error('it did not end');
    }),
  ]);

/** Some of 0 … count − 1: all at full size, else the first, one in the middle and the last. */
const places = (count: number) =>
  fullSize
    ? Array.from({ length: count }, (_, i) => i)
    : [...new Set([0, count >> 1, count - 1])].filter((i) => i >= 0 && i < count);

describe.each(loadableEngines)('figure 8 on %s', (name, create) => {
  beforeAll(async () => {
    engine = await create({ threads: 1 });
    for (const run of Object.values(pipelines)) await run(all); // what is made once and kept
  });
  afterAll(() => engine.dispose());

  it('an error in each operator: it comes out, and all resources are back', async () => {
    let injected = 0;
    const reached = new Set<string>();
    for (const run of Object.values(pipelines)) {
      watch.given.clear();
      await run(all);
      const given = [...watch.given];
      for (const [operator, count] of given) {
        for (const item of places(count)) {
          watch.given.clear();
          watch.fault = { operator, item };
          const before = state();
          const outcome = await ending(run(all)).catch((error: Error) => error);
          expect(outcome, `item ${item} of ${operator}`).toMatchObject({ message: 'injected' });
          watch.fault = { operator: '', item: -1 };
          await atRest(before);
          injected++;
        }
        if (count > 0) reached.add(operator);
      }
    }
    for (const operator of ['mutate', 'batch', 'encode', 'mine', 'lossStep', 'record', 'watchCollapse']) {
      expect(reached).toContain(operator);
    }
    for (const operator of ['seedCells', 'naoPropose', 'benchmarkLookup', 'trainOnPool', 'embedCells']) {
      expect(reached).toContain(operator);
    }
    figure(
      8,
      `${name}: an error after each of ${injected} items of ${reached.size} operators: all resources back`,
    );
  }, 600_000);

  it('an error in each call that an operator makes: it comes out, and all resources are back', async () => {
    let injected = 0;
    const failing = new Set<string>();
    for (const run of Object.values(pipelines)) {
      Object.assign(calls, { count: 0, failing: -1, names: [] });
      await run(all);
      const { names } = calls;
      const methods = new Set(names);
      methods.delete('benchmark.lookup'); // is made again: figure 10
      const chosen = [...methods].flatMap((method) => {
        const own = names.flatMap((name, i) => (name === method ? [i] : []));
        const some = fullSize ? own.filter((_, i) => i % Math.ceil(own.length / 40) === 0) : own.slice(0, 1);
        return [...some, own.at(-1)!];
      });
      for (const call of new Set(chosen)) {
        Object.assign(calls, { count: 0, failing: call, names: [] });
        const before = state();
        const outcome = await ending(run(all)).catch((error: Error) => error);
        expect(outcome, `call ${call}, ${names[call]}`).toMatchObject({ message: 'injected' });
        Object.assign(calls, { failing: -1 });
        await atRest(before);
        failing.add(names[call]!);
        injected++;
      }
    }
    figure(
      8,
      `${name}: an error in each of ${injected} calls of ${failing.size} methods: all resources back`,
    );
  }, 600_000);

  it('unsubscribed at each event: all resources are back, and every finaliser ran once', async () => {
    let unsubscribed = 0;
    for (const run of Object.values(pipelines)) {
      const count = ((await run(all)) as unknown[]).length;
      expect(count).toBeGreaterThan(2);
      for (let events = 0; events < count; events++) {
        const before = state();
        const finalised = { source: 0 };
        await run(async (stream) => {
          const ended = stream.pipe(finalize(() => finalised.source++));
          if (events === 0) ended.subscribe().unsubscribe();
          else await lastValueFrom(ended.pipe(take(events)));
        });
        await atRest(before);
        expect(finalised.source).toBe(1);
        unsubscribed++;
      }
    }
    figure(8, `${name}: unsubscribed at each of ${unsubscribed} events: all resources back, finalisers once`);
  }, 600_000);

  it('10,000 steps: as many tensors and handles as after the first', async () => {
    const count = fullSize ? 10_000 : 100;
    await controllerFor(async (controller) => {
      let before: ReturnType<typeof state> | undefined;
      let memory = 0;
      const at = (step: number) => tap(({ step: now }: { step: number }) => now === step && measure());
      const measure = () => {
        before ??= state();
        memory ||= process.memoryUsage().rss;
        expect(state().tensors).toBe(before.tensors);
      };
      await lastValueFrom(
        pretrain({
          space,
          controller,
          miner: openMiner('MultiSimilarity'),
          loss: openLoss('MultiSimilarity'),
          ...{ weight: 1, seed: 1, batchSize: 16, samplesPerClass: 8, epochs: 100, learningRate: 0.1 },
          steps: count,
          onCollapse: 'ignore',
        }).pipe(pipe(at(count / 10), at(count / 2), at(count - 1))),
      );
      const grown = (process.memoryUsage().rss - memory) / 2 ** 20;
      figure(
        8,
        `${name}: ${count} steps: tensor drift 0, resident memory +${Math.max(0, grown).toFixed(0)} MB after the first tenth`,
      );
      expect(grown).toBeLessThan(100);
    });
  }, 600_000);
});
