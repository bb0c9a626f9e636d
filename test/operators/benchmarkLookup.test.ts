import { from, lastValueFrom, NEVER, of, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Benchmark } from '../../src/core/benchmark/benchmark.js';
import { stream } from '../../src/core/random/random.js';
import { Pool } from '../../src/core/search/pool.js';
import { nasbench101 as space } from '../../src/core/space/nasbench101.js';
import { type BenchmarkLookupOptions, benchmarkLookup } from '../../src/operators/benchmarkLookup.js';
import { search } from '../../src/pipelines/search.js';
import { searchers } from '../../src/pipelines/searchers/index.js';
import { type Faults, FaultyBenchmark } from '../support/faultyBenchmark.js';
import { figure, fullSize } from '../support/figure.js';

const sound: Benchmark = {
  name: 'synthetic',
  summary: 'a number drawn for each cell',
  space,
  cells: space.size,
  has: () => true,
  lookup: async (cell) => {
    const accuracy = 0.85 + 0.1 * stream(0, space.canonical(cell)).float();
    return { validation: [accuracy, accuracy - 0.01], test: [accuracy - 0.005], parameters: 1, seconds: 10 };
  },
  provenance: 'made in this test',
};

const proposals = (cells: readonly number[]) => cells.map((cell) => ({ cell, origin: 'test', round: 0 }));
const some = (count: number, seed = 1) =>
  Array.from({ length: count }, (_, i) => space.sample(stream(seed, 'some', i)));

function rowsOf(cells: readonly number[], benchmark: Benchmark, over: Partial<BenchmarkLookupOptions> = {}) {
  const pool = new Pool({ benchmark, searcher: 'test', seed: 1 });
  const lookup = benchmarkLookup({ benchmark, pool, budget: 1000, backoff: 0, ...over });
  return lastValueFrom(from(proposals(cells)).pipe(lookup, toArray()));
}

/** Whole searches, so that what is proposed depends on what was found. */
function searched(name: string, seed: number, benchmark: Benchmark, concurrency = 1) {
  const spec = searchers.find((each) => each.name === name)!;
  const pool = new Pool({ benchmark, searcher: name, seed });
  const params = spec.params.parse(name === 'random' ? { perRound: 15 } : {});
  const searcher = spec.create({ ...params, benchmark, pool, seed, controller: undefined as never });
  const lookup = { concurrency, backoff: 0, retries: 50 };
  return lastValueFrom(search({ searcher, benchmark, pool, budget: 40, lookup }), {
    defaultValue: undefined,
  }).then(() => pool.rows);
}

describe('benchmarkLookup', () => {
  it('figure 10: lookups that fail (p = 0.2), are slow and overtake each other change no row', async () => {
    const seeds = fullSize ? 100 : 6;
    let searches = 0;
    let differing = 0;
    let failures = 0;
    let surplus = 0;
    for (const name of ['random', 'evolution', 'local']) {
      for (let seed = 1; seed <= seeds; seed++) {
        const faulty = new FaultyBenchmark(sound, { seed, failing: 0.2, delay: 2 });
        const rows = await searched(name, seed, faulty.benchmark, 8);
        const undisturbed = await searched(name, seed, sound);
        searches++;
        if (JSON.stringify(rows) !== JSON.stringify(undisturbed)) differing++;
        failures += faulty.failures;
        surplus += rows.length - new Set(rows.map(({ cell }) => space.canonical(cell))).size;
      }
    }
    figure(
      10,
      `${differing} of ${searches} searches differ, ${surplus} cells charged twice (${failures} failures)`,
    );
    expect(failures).toBeGreaterThan(searches);
    expect({ differing, surplus }).toEqual({ differing: 0, surplus: 0 });
  }, 120_000);

  it('asks for as many at once as it may, and once for a cell and its isomorphic copies', async () => {
    const cells = some(40);
    const copies = cells.flatMap((cell) => [cell, cell]);
    const faulty = new FaultyBenchmark(sound, { seed: 1, delay: 3 });
    const rows = await rowsOf(copies, faulty.benchmark, { concurrency: 5 });
    expect(rows.map(({ cell }) => cell)).toEqual(cells);
    expect([...faulty.asked.values()]).toEqual(cells.map(() => 1));
    expect(faulty.most).toBe(5);
  });

  it('does not ask for more than the budget, copies left out', async () => {
    const [a, b, c] = some(3) as [number, number, number];
    const rows = await rowsOf([a, a, b, a, c], sound, { budget: 2, concurrency: 4 });
    expect(rows.map(({ cell }) => cell)).toEqual([a, b]);
  });

  it('ends with the query that spends the training seconds', async () => {
    expect(await rowsOf(some(10), sound, { seconds: 35, concurrency: 3 })).toHaveLength(4);
    expect(await rowsOf(some(10), sound, { seconds: 40 })).toHaveLength(4);
  });

  it('refuses a budget in seconds where the benchmark knows none', async () => {
    const timeless = {
      ...sound,
      lookup: async (cell: number) => ({ ...(await sound.lookup(cell)), seconds: Number.NaN }),
    };
    await expect(rowsOf(some(2), timeless, { seconds: 5 })).rejects.toMatchObject({
      exitCode: 3,
      hint: 'give the budget in queries',
    });
  });

  const failingFor = async (faults: Faults, over: Partial<BenchmarkLookupOptions> = {}) => {
    const faulty = new FaultyBenchmark(sound, faults);
    const error = await rowsOf(some(3), faulty.benchmark, over).catch((error: unknown) => error);
    return { error, asked: [...faulty.asked.values()] };
  };

  it('gives up after so many attempts, saying what failed and why', async () => {
    const { error, asked } = await failingFor({ seed: 1, failing: 1 }, { retries: 3 });
    expect(error).toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/failed 4 times: connection lost/),
    });
    expect(asked[0]).toBe(4);
  });

  it('does not ask again where the user has to do something', async () => {
    const [broken] = some(1);
    const { error, asked } = await failingFor({ seed: 1, broken: [broken!] }, { retries: 3 });
    expect(error).toMatchObject({ exitCode: 3, message: `no figures of cell ${broken}` });
    expect(asked[0]).toBe(1);
  });

  it('asks no more after it was unsubscribed, also where it waits to try again', async () => {
    const faulty = new FaultyBenchmark(sound, { seed: 1, failing: 1 });
    const pool = new Pool({ benchmark: faulty.benchmark, searcher: 'test', seed: 1 });
    const lookup = benchmarkLookup({
      benchmark: faulty.benchmark,
      pool,
      budget: 9,
      backoff: 5,
      retries: 1000,
    });
    const running = from(proposals(some(5)))
      .pipe(lookup)
      .subscribe({ error: () => {} });
    await new Promise((resolve) => setTimeout(resolve, 10));
    running.unsubscribe();
    const asked = faulty.asked.get(some(1)[0]!);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(faulty.asked.get(some(1)[0]!)).toBe(asked);
  });

  it('passes on the error of its source, and leaves the source when it is left', async () => {
    const pool = new Pool({ benchmark: sound, searcher: 'test', seed: 1 });
    const source = new Subject<never>();
    const lookup = benchmarkLookup({ benchmark: sound, pool, budget: 9 });
    let failed: unknown;
    source.pipe(lookup).subscribe({ error: (error) => (failed = error) });
    source.error('broken');
    expect(failed).toBe('broken');

    const endless = new Subject<never>();
    endless.pipe(lookup).subscribe().unsubscribe();
    expect(endless.observed).toBe(false);
    expect(await lastValueFrom(of<never>().pipe(lookup, toArray()))).toEqual([]);
    NEVER.pipe(lookup).subscribe().unsubscribe();
  });
});
