import { expect, it } from 'vitest';
import { TableBenchmark } from '../../../src/core/benchmark/index.js';
import { agreement, benchmarkStatistics, spearman } from '../../../src/core/benchmark/statistics.js';
import { nasbench101 } from '../../../src/core/space/nasbench101.js';

const column = (...values: number[]) => Float64Array.from(values);

function benchmark(test: number[][], parameters: number[], first = 0) {
  const count = parameters.length;
  return new TableBenchmark(
    { name: 't', summary: '', provenance: '', space: nasbench101, path: 'T', sha256: '', canonical: true },
    {
      cells: nasbench101.cells().slice(first, first + count),
      validation: test.map((repeat) => column(...repeat)),
      test: test.map((repeat) => column(...repeat)),
      parameters: column(...parameters),
      seconds: [new Float64Array(count)],
    },
  );
}

it('correlates ranks, ties sharing theirs', () => {
  expect(spearman([1, 2, 3], [10, 100, 1000])).toBeCloseTo(1, 12);
  expect(spearman([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  // scipy.stats.spearmanr([1, 2, 2, 4, 5], [2, 1, 3, 3, 5])
  expect(spearman([1, 2, 2, 4, 5], [2, 1, 3, 3, 5])).toBeCloseTo(0.7631578947, 9);
});

it('sets the spread between cells against the noise between repeats', async () => {
  const found = await benchmarkStatistics(
    benchmark(
      [
        [0.5, 0.62, 0.71, 0.9, Number.NaN],
        [0.5, 0.58, 0.69, 0.9, 0.1],
      ],
      [10, 40, 20, 30, 50],
    ),
  );
  // Cell means 0.5, 0.6, 0.7, 0.9: the diverged one is left out.
  expect(found).toMatchObject({ cells: 4, repeats: 2, test: { best: 0.9, worst: 0.5 } });
  expect(found.all.spread).toBeCloseTo(
    Math.sqrt((0.175 ** 2 + 0.075 ** 2 + 0.025 ** 2 + 0.225 ** 2) / 3),
    12,
  );
  expect(found.all.noise).toBeCloseTo(Math.sqrt((2 * 0.02 ** 2 + 2 * 0.01 ** 2) / 4), 12);
  expect(found.all.ratio).toBeCloseTo(found.all.spread / found.all.noise, 12);
  expect(found.topHalf.spread).toBeCloseTo(0.1 * Math.SQRT2, 12);
  expect(found.repeatCorrelation).toBeCloseTo(1, 12);
  expect(found.byParameters.correlation).toBeCloseTo(0.4, 12);
  expect(found.byParameters.largest).toEqual({ parameters: 40, test: expect.closeTo(0.6, 12), rank: 3 });
});

it('compares two benchmarks on the cells they share', async () => {
  const ours = benchmark([[0.1, 0.2, 0.3, 0.4]], [4, 3, 2, 1]);
  const theirs = benchmark([[0.9, 0.8, 0.7, 0.6]], [1, 1, 1, 1], 2);
  expect(await agreement(ours, theirs)).toEqual({
    cells: 2,
    correlation: expect.closeTo(-1, 12),
    byParameters: expect.closeTo(1, 12),
  });
});
