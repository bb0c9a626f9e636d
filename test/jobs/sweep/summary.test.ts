import { describe, expect, it } from 'vitest';
import { sweepSpec } from '../../../src/jobs/settings.js';
import type { SearchOutcome } from '../../../src/jobs/sweep/outcome.js';
import { outcomeOf } from '../../../src/jobs/sweep/outcome.js';
import { summarise } from '../../../src/jobs/sweep/summary.js';
import { tasksOf } from '../../../src/jobs/sweep/tasks.js';
import { readSweep, readSweepFile, type Variant } from '../../../src/pipelines/fromSpec/sweep.js';

const sweep = await readSweep({
  sweep: { losses: ['MultiSimilarity', 'NoMetric'], seeds: 2, searchSeeds: 2 },
  pretrain: { extends: 'pretrain' },
  search: { extends: 'search' },
  variants: { Random: { pretrain: null, search: { set: { 'rounds.searcher': 'random' } } } },
});

const outcome = (
  variant: string,
  pretrainSeed: number,
  seed: number,
  test: number,
  queriesToBest: number,
): SearchOutcome => ({
  ...{ variant, pretrainSeed, seed, test, queriesToBest },
  ...{ queries: 100, validation: 0.9, regret: 0.95 - test, rank: 10, sd: 0.05 },
});

describe('the summary of a sweep', () => {
  it('has the figures that one gets by hand', () => {
    const [ms, none, random] = summarise(sweep, [
      outcome('MultiSimilarity', 1, 1, 0.94, 10),
      outcome('MultiSimilarity', 1, 1001, 0.92, 20),
      outcome('MultiSimilarity', 2, 2, 0.93, 30),
      outcome('MultiSimilarity', 2, 1002, 0.93, 60),
      outcome('NoMetric', 1, 1, 0.91, 50),
      outcome('NoMetric', 2, 2, 0.9, 70),
    ]);
    expect(ms).toMatchObject({
      ...{ loss: 'MultiSimilarity', searcher: 'nao', protocol: 'V', pretrainings: 2, searches: 4 },
      ...{ queries: 30, queries_made: 100, against: 'NoMetric' },
    });
    // 10, 20, 30, 60: deviations −20, −10, 0, 30 from 30, so √(1400 / 3)
    expect(ms!.queries_std).toBeCloseTo(Math.sqrt(1400 / 3), 10);
    expect(ms!.test).toBeCloseTo(0.93, 12);
    expect(ms!.test_std).toBeCloseTo(Math.sqrt(0.0002 / 3), 12);
    expect(ms!.regret).toBeCloseTo(0.02, 12);
    expect(ms!.test_difference).toBeCloseTo(0.93 - 0.905, 12);
    expect(ms!.queries_difference).toBeCloseTo(30 - 60, 12);
    // Means 0.93, 0.93 against 0.91, 0.9: the outermost of the 3 ways that ties leave, on either side; of 6 ways, 2.
    expect(ms!.test_p_means).toBeCloseTo(2 / 6, 12);
    expect(none).toMatchObject({ pretrainings: 2, searches: 2, against: '', test_p: Number.NaN });
    expect(random).toMatchObject({ pretrainings: 0, searches: 0, against: '' });
  });

  it('counts queries until the cell that is reported at the end was found', () => {
    const row = (query: number, best_test: number, best_validation: number, test: number) => ({
      ...{ query, round: 0, cell: query, hash: '', searcher: 'nao', origin: '', validation: 0, test },
      ...{ best_validation, best_test, regret: 0, rank: 7, seconds: 0 },
      ...{ variant: 'A', loss: '', pretrain_seed: 1, seed: 1, protocol: 'V' },
    });
    // Another cell had the same test accuracy before: with less validation, it is not the one.
    const rows = [
      row(1, 0.9, 0.8, 0.9),
      row(2, 0.8, 0.85, 0.8),
      row(3, 0.9, 0.9, 0.9),
      row(4, 0.9, 0.9, 0.2),
    ];
    expect(outcomeOf(rows)).toMatchObject({ queriesToBest: 3, queries: 4, test: 0.9, rank: 7 });
    // 0.9, 0.8, 0.9, 0.2: mean 0.7, squares 0.04 + 0.01 + 0.04 + 0.25
    expect(outcomeOf(rows).sd).toBeCloseTo(Math.sqrt(0.34 / 3), 12);
  });
});

describe('the preset table1', async () => {
  const table1 = await readSweepFile('table1');

  it('is the paper’s experiment', () => {
    const { pretrainings, searches } = tasksOf(table1);
    expect([pretrainings.length, searches.length]).toEqual([45, 50]);
    expect(searches[0]).toMatchObject({ pretrainSeed: 1, seed: 1 });
    const spec = JSON.stringify(tasksOf(table1).searches[0]!.spec);
    for (const part of ['"identity":"sequence"', '"perRound":129', '"epochs":99', '"most":51'])
      expect(spec).toContain(part);
    expect(JSON.stringify(pretrainings[0]!.spec)).toContain('"sameOrder":true');
  });

  it('computes on one thread a unit, or on as many as it is told, with the same engine', async () => {
    for (const threads of [undefined, 3]) {
      const [{ pretrain, search }] = (await sweepSpec('table1', { threads })).variants as [Variant];
      const engine = { simd: { threads: threads ?? 1 } };
      expect([pretrain!.spec.engine, search.spec.engine]).toEqual([engine, engine]);
    }
  });

  it('holds the paper’s figures (REFERENCE §8), which stand beside those of its benchmark alone', async () => {
    expect(table1.published!.rows).toEqual({
      Angular: {
        queries: [751, 141.5],
        test: [94.22, 0.004],
        sd: [3.06, 1.067],
        regret: 0.1,
        rank: [3, 0.4],
      },
      MultiSimilarity: {
        queries: [763, 93.7],
        test: [94.23, 0],
        sd: [3.45, 0.974],
        regret: 0.09,
        rank: [2, 0],
      },
      NPairs: { queries: [805, 188.4], test: [94.23, 0], sd: [3.94, 1.246], regret: 0.09, rank: [2, 0] },
      NoMetric: { queries: [810, 121.2], test: [94.23, 0], sd: [3.94, 0.797], regret: 0.09, rank: [2, 0] },
      Margin: { queries: [838, 60.7], test: [94.23, 0], sd: [2.8, 0.936], regret: 0.09, rank: [2, 0] },
      LiftedStructure: {
        ...{ queries: [1007, 150.5], test: [94.22, 0.005], sd: [4.5, 0.983], regret: 0.1, rank: [3, 0.5] },
      },
      TripletMargin: {
        ...{ queries: [519, 34.5], test: [94.07, 0.138], sd: [4.27, 0.86], regret: 0.25, rank: [74, 147.5] },
      },
      Contrastive: {
        ...{ queries: [615, 87.2], test: [94.04, 0.139], sd: [4.52, 0.764], regret: 0.28, rank: [84, 118.1] },
      },
      GeneralizedLiftedStructure: {
        ...{ queries: [733, 280.4], test: [94.02, 0.127], sd: [3.72, 0.711], regret: 0.3, rank: [81, 94.8] },
      },
      Random: {
        queries: [560, 248.4],
        test: [93.84, 0.068],
        sd: [6.15, 1.797],
        regret: 0.48,
        rank: [336, 228.1],
      },
    });
    const [here] = summarise(table1, [outcome('Angular', 1, 1, 0.94, 10)]);
    expect(here!.published_queries).toBeNaN(); // mnist-cells5
    const theirs = { ...table1, published: { ...table1.published!, benchmark: 'mnist-cells5' } };
    expect(summarise(theirs, [])[0]).toMatchObject({ published_queries: 751, published_regret: 0.001 });
  });
});
