import { describe, expect, it } from 'vitest';
import { comparison } from '../../src/jobs/settings.js';
import { tasksOf } from '../../src/jobs/sweep/tasks.js';
import { runUnit, type SearchResult } from '../../src/jobs/sweep/unit.js';
import { sharedData } from '../support/sharedData.js';

const table = sharedData('nasbench101.parquet');

/** Published test accuracies at 150 queries (Sci. Rep. s41598-025-94187-8, Table 1), in per cent. */
const published = { random: 93.66, evolution: 93.89, local: 94.07 };

describe.skipIf(!table)('on the real NAS-Bench-101 table at 150 queries', () => {
  const means = async (searchers: string[], seeds: number) => {
    const settings = { benchmark: `nasbench101:${table}`, searchers, seeds, queries: 150, draw: 'graphs' };
    const found = new Map<string, number[]>();
    for (const { kind, name, spec, variant } of tasksOf(await comparison(settings)).searches) {
      const { rows } = (await runUnit({ kind, name, spec })) as SearchResult;
      found.set(variant.name, [...(found.get(variant.name) ?? []), 100 * rows.at(-1)!.best_test]);
    }
    return Object.fromEntries(
      Array.from(found, ([label, tests]) => [label, tests.reduce((a, b) => a + b, 0) / tests.length]),
    );
  };

  it('random search, evolution and local search find what is published of them', async () => {
    const mean = await means(Object.keys(published), 25);
    // Standard error of a mean over 25 seeds: 0.04.
    for (const [searcher, figure] of Object.entries(published)) {
      expect(Math.abs(mean[searcher]! - figure), `${searcher}: ${mean[searcher]}`).toBeLessThan(0.12);
    }
  }, 120_000);

  it('the Gaussian process on properties is well above all of them', async () => {
    const { bayesian } = await means(['bayesian'], 4);
    expect(bayesian).toBeGreaterThan(94.12);
  }, 120_000);
});
