import { lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Benchmark, Evaluation } from '../../src/core/benchmark/benchmark.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import type { Engine } from '../../src/core/engine/engine.js';
import { createSimdEngine } from '../../src/core/engine/simd/index.js';
import { stream } from '../../src/core/random/random.js';
import { Pool } from '../../src/core/search/pool.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';
import { type SearchEvent, type SearchOptions, search } from '../../src/pipelines/search.js';
import { nao } from '../../src/pipelines/searchers/nao.js';
import { randomSearch } from '../../src/pipelines/searchers/random.js';

const config = { vocabulary: space.vocabulary, length: space.sequenceLength, dim: 16, predictor: 64 };
let engine: Engine;
beforeAll(async () => {
  engine = await createSimdEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

/** Accuracies that are a smooth function of the cell, so that there is something to learn. */
const evaluationOf = (cell: number): Evaluation => {
  const convolutions = space.describe(cell).ops.filter((op) => op.includes('conv')).length;
  const accuracy = 0.82 + 0.02 * convolutions + 0.002 * stream(0, cell).float();
  return { validation: [accuracy, accuracy - 0.001], test: [accuracy - 0.005], parameters: 1, seconds: 2 };
};

const benchmark = (lookup = async (cell: number) => evaluationOf(cell)): Benchmark => ({
  name: 'synthetic',
  summary: 'number of convolutions',
  space,
  cells: space.size,
  has: () => true,
  lookup,
  list: () => space.cells(),
  provenance: 'made in this test',
});

const poolOf = (of: Benchmark, seed = 1) => new Pool({ benchmark: of, searcher: 'test', seed });
const options = { budget: 60, rounds: 20 };

function randomRun(over: Partial<SearchOptions> = {}, of = benchmark()) {
  const pool = poolOf(of);
  const searcher = randomSearch({ benchmark: of, pool, seed: 1, perRound: 20 });
  return { pool, events: search({ searcher, benchmark: of, pool, ...options, ...over }) };
}

const naoRun = async (use: (events: ReturnType<typeof search>, pool: Pool) => Promise<void>) => {
  const of = benchmark();
  const pool = poolOf(of);
  const controller = await engine.controller(config, initialWeights(config, 3));
  const searcher = nao({
    controller,
    benchmark: of,
    pool,
    seed: 1,
    initial: 40,
    perRound: 20,
    training: { epochs: 40 },
  });
  try {
    await use(search({ searcher, benchmark: of, pool, budget: 100, rounds: 6 }), pool);
  } finally {
    controller.dispose();
  }
};

const queries = (events: SearchEvent[]) =>
  events.flatMap(({ event, row }) => (event === 'query' ? [row] : []));

describe('search', () => {
  it('counts each cell once, initial sample included, up to the budget', async () => {
    const { events, pool } = randomRun({ budget: 50 });
    const rows = queries(await lastValueFrom(events.pipe(toArray())));
    expect(rows.map(({ query }) => query)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(new Set(rows.map(({ cell }) => cell)).size).toBe(50);
    expect(pool.size).toBe(50);
  });

  it('reports the test accuracy of the best by validation, not the best test accuracy', async () => {
    const odd = benchmark(async (cell) => ({
      ...evaluationOf(cell),
      validation: [cell / space.size],
      test: [1 - cell / space.size],
    }));
    const { events } = randomRun({}, odd);
    const rows = queries(await lastValueFrom(events.pipe(toArray())));
    const leader = rows.reduce((best, row) => (row.validation > best.validation ? row : best));
    expect(rows.at(-1)).toMatchObject({ best_validation: leader.validation, best_test: leader.test });
    expect(Math.max(...rows.map(({ test }) => test))).toBeGreaterThan(leader.test);
  });

  it('has the same rows however slow the benchmark answers, and in whatever order', async () => {
    const slow = benchmark(async (cell) => {
      await new Promise((resolve) => setTimeout(resolve, cell % 3));
      return evaluationOf(cell);
    });
    const rows = async (of: Benchmark) =>
      queries(await lastValueFrom(randomRun({}, of).events.pipe(toArray())));
    expect(await rows(slow)).toEqual(await rows(benchmark()));
  });

  it('warns of a training that was stopped early, right behind its query, however lookups overlap', async () => {
    const stopped = (cell: number) => (({ 0: 'diverged', 1: 'time' }) as const)[(cell % 5) as 0 | 1];
    const overlapping: Benchmark = {
      ...benchmark(async (cell) => {
        await new Promise((resolve) => setTimeout(resolve, cell % 3));
        const why = stopped(cell);
        return { ...evaluationOf(cell), ...(why && { stopped: why }) };
      }),
      concurrency: 8,
    };
    const events = await lastValueFrom(randomRun({}, overlapping).events.pipe(toArray()));
    const expected = queries(events).flatMap(({ cell, query }) => {
      const why = stopped(cell);
      return why ? [{ code: `training-${why}`, step: query }] : [];
    });
    const warned = events.flatMap(({ event, row }, i) => {
      if (event !== 'warning') return [];
      expect(events[i - 1]).toMatchObject({ event: 'query', row: { query: row.step } });
      return [{ code: row.code, step: row.step }];
    });
    expect(warned.length).toBeGreaterThan(5);
    expect(warned).toEqual(expected);
  });

  it('passes on that a lookup failed', async () => {
    const broken = benchmark(async () => {
      throw new Error('the benchmark broke');
    });
    await expect(lastValueFrom(randomRun({}, broken).events)).rejects.toThrow('the benchmark broke');
  });

  it('ends after rounds without a new cell', async () => {
    const few = { ...benchmark(), cells: 25, list: () => space.cells().subarray(0, 25) };
    const { events, pool } = randomRun({ patience: 2 }, few);
    const all = await lastValueFrom(events.pipe(toArray()));
    expect(pool.size).toBe(25);
    expect(
      all.filter(({ event }) => event === 'round').map(({ row }) => (row as { dryRounds: number }).dryRounds),
    ).toEqual([0, 0, 1, 2]);
  });

  it('does nothing more where the checkpoint was made after the last round', async () => {
    const { events } = randomRun({ firstRound: 3, dryRounds: 3, patience: 3 });
    expect(await lastValueFrom(events.pipe(toArray()))).toEqual([]);
    const { events: more } = randomRun({ firstRound: 3, dryRounds: 2, patience: 3 });
    expect(await lastValueFrom(more.pipe(toArray()))).not.toEqual([]);
  });

  it('saves the state after each round, before the next one begins', async () => {
    const log: string[] = [];
    const { events } = randomRun({
      checkpoint: async ({ round }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        log.push(`saved ${round}`);
      },
    });
    await lastValueFrom(events.pipe(toArray())).then((all) => {
      for (const { event, row } of all) if (event === 'round') log.push(`round ${row.round}`);
    });
    expect(log.slice(0, 3)).toEqual(['saved 0', 'saved 1', 'saved 2']);
  });

  it('NAO learns from the queries, proposes new cells by its gradient, and is the same twice', async () => {
    const run = async () => {
      let result: SearchEvent[] = [];
      await naoRun(async (events) => {
        result = await lastValueFrom(events.pipe(toArray()));
      });
      return result;
    };
    const events = await run();
    const trained = events.filter(({ event }) => event === 'train');
    expect(trained.length).toBeGreaterThanOrEqual(40);
    expect((trained.at(-1)!.row as { total: number }).total).toBeLessThan(
      (trained[0]!.row as { total: number }).total,
    );
    expect(events.some(({ event }) => event === 'proposal')).toBe(true);
    expect(await run()).toEqual(events);
  });

  it('leaves nothing behind, wherever it is unsubscribed', async () => {
    const before = engine.resources();
    for (const events of [0, 1, 39, 40, 41, 60]) {
      await naoRun(async (all) => {
        if (events === 0) all.subscribe().unsubscribe();
        else await lastValueFrom(all.pipe(take(events)));
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(engine.resources()).toBe(before);
    }
  });
});
