import { lastValueFrom, takeWhile } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Benchmark } from '../../src/core/benchmark/benchmark.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import type { Engine } from '../../src/core/engine/engine.js';
import { createSimdEngine } from '../../src/core/engine/simd/index.js';
import { stream } from '../../src/core/random/random.js';
import { Pool } from '../../src/core/search/pool.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';
import { search } from '../../src/pipelines/search.js';
import { learns, searchers } from '../../src/pipelines/searchers/index.js';

const config = { vocabulary: space.vocabulary, length: space.sequenceLength, dim: 16, predictor: 64 };
let engine: Engine;
beforeAll(async () => {
  engine = await createSimdEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

/** Convolutions are good, on the last edges more so: something that neighbours share. */
const accuracyOf = (cell: number) =>
  space
    .describe(cell)
    .ops.reduce((sum, op, edge) => sum + (op.includes('conv') ? 0.01 + 0.004 * edge : 0), 0.8) +
  0.001 * stream(0, cell).float();

const benchmark: Benchmark = {
  name: 'synthetic',
  summary: 'convolutions',
  space,
  cells: space.size,
  has: () => true,
  lookup: async (cell) => ({
    ...{ validation: [accuracyOf(cell)], test: [accuracyOf(cell) - 0.005], parameters: 1, seconds: 1 },
  }),
  list: () => space.cells(),
  provenance: 'made in this test',
};

const small: Record<string, Record<string, unknown>> = {
  nao: { initial: 30, perRound: 10, top: 20, epochs: 6 },
  semiNas: { initial: 30, perRound: 10, top: 20, epochs: 4, generated: 32, semiEpochs: 2 },
  random: { perRound: 20 },
  guided: { explore: 200 },
  bayesian: { explore: 200 },
};

const budget = 60;

/** Rows of a search; `until` so many queries, going on from `from` ones of an earlier search (in the controller's state of then). */
async function searched(name: string, seed: number, { until = budget, from = [] as Pool['rows'] } = {}) {
  const spec = searchers.find((each) => each.name === name)!;
  const pool = new Pool({ benchmark, searcher: name, seed });
  for (const row of from) pool.restore(row);
  const controller = learns(spec) ? await engine.controller(config, initialWeights(config, seed)) : undefined;
  try {
    const params = spec.params.parse(small[name] ?? {});
    const searcher = spec.create({ ...params, benchmark, pool, seed, controller: controller! });
    const firstRound = from.length > 0 ? from.at(-1)!.round + 1 : 0;
    const events = search({ searcher, benchmark, pool, budget, firstRound }).pipe(
      takeWhile(({ event, row }) => event !== 'round' || row.queries < until, true),
    );
    await lastValueFrom(events, { defaultValue: undefined });
    return pool.rows;
  } finally {
    controller?.dispose();
  }
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(searchers.map(({ name }) => [name] as const))('%s', (name) => {
  it('queries each cell once and is the same twice; another seed gives other cells', async () => {
    const rows = await searched(name, 1);
    expect(new Set(rows.map(({ cell }) => cell)).size).toBe(rows.length);
    expect(rows.every(({ searcher }) => searcher === name)).toBe(true);
    expect(await searched(name, 1)).toEqual(rows);
    expect(await searched(name, 2)).not.toEqual(rows);
  });
});

describe.each(['random', 'evolution', 'local', 'bayesian', 'guided'])('%s', (name) => {
  it('goes on from any round as if it had not been stopped', async () => {
    const whole = await searched(name, 3);
    for (const until of [1, 15, 33, 50]) {
      const from = await searched(name, 3, { until });
      expect(from.length).toBeLessThanOrEqual(whole.length);
      expect(await searched(name, 3, { from })).toEqual(whole);
    }
  });
});

it.each(['evolution', 'local', 'bayesian', 'guided'])(
  '%s finds better cells than random search',
  async (name) => {
    const best = async (searcher: string) => {
      const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
      const runs = await Promise.all(seeds.map((seed) => searched(searcher, seed)));
      return mean(runs.map((rows) => rows.at(-1)!.best_test));
    };
    // In this table, one more convolution on the last edge is 0.03.
    expect(await best(name)).toBeGreaterThan((await best('random')) + 0.005);
  },
);

it('protocol T reports the best test accuracy, V that of the best by validation; both see the same cells', async () => {
  const odd: Benchmark = {
    ...benchmark,
    lookup: async (cell) => ({
      ...{ validation: [cell / space.size], test: [1 - cell / space.size], parameters: 1, seconds: 1 },
    }),
  };
  const rows = async (protocol: 'V' | 'T') => {
    const spec = searchers.find(({ name }) => name === 'local')!;
    const pool = new Pool({ benchmark: odd, searcher: 'local', seed: 1, protocol });
    const searcher = spec.create({
      ...spec.params.parse({}),
      ...{ benchmark: odd, pool, seed: 1, controller: undefined as never },
    });
    await lastValueFrom(search({ searcher, benchmark: odd, pool, budget: 30 }));
    return pool.rows;
  };
  const [v, t] = [await rows('V'), await rows('T')];
  expect(t.map(({ cell }) => cell)).toEqual(v.map(({ cell }) => cell));
  expect(t.at(-1)!.best_test).toBe(Math.max(...t.map(({ test }) => test)));
  expect(v.at(-1)!.best_validation).toBe(Math.max(...v.map(({ validation }) => validation)));
});
