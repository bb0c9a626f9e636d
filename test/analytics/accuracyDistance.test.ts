import { expect, it } from 'vitest';
import { accuracyDistance } from '../../src/analytics/accuracyDistance.js';
import { byDistance } from '../../src/analytics/byDistance.js';
import { openBenchmark } from '../../src/core/benchmark/index.js';
import { stream } from '../../src/core/random/random.js';

it('groups pairs by distance, the last group with all that are further apart', () => {
  const pairs = [1, 1, 1, 7, 9].map((edits, i) => ({ edits, value: i }));
  const groups = byDistance(pairs);
  expect(groups.map(({ distance, pairs }) => [distance, pairs])).toEqual([
    [1, 3],
    ...[2, 3, 4, 5, 6].map((distance) => [distance, 0]),
    [7, 2],
  ]);
  expect(groups[0]).toMatchObject({ mean: 1, q10: 0.2, q25: 0.5, median: 1, q75: 1.5, q90: 1.8 });
  expect(groups[0]!.deviation).toBeCloseTo(Math.sqrt(2 / 3), 12);
  expect(groups[1]!.mean).toBeNaN();
});

it('accuracies of the embedded benchmark differ more, the more edits lie between', async () => {
  const benchmark = await openBenchmark('mnist-cells5');
  const { cells, groups } = await accuracyDistance(benchmark, 800, stream(1, 'test'));
  expect(cells).toBe(800);
  expect(groups.every(({ pairs, mean }) => pairs === 0 || (mean > 0 && mean < 1))).toBe(true);
  expect(groups[0]!.median).toBeLessThan(groups[2]!.median);
  expect(groups[2]!.median).toBeLessThan(groups[5]!.median);
});

it('says where a benchmark has no accuracies, or cannot list its cells', async () => {
  const benchmark = await openBenchmark('mnist-cells5');
  const known = { validation: [0.5], test: [Number.NaN], parameters: 1, seconds: 1 };
  const without = { ...benchmark, space: benchmark.space, name: 'bare', lookup: async () => known };
  const list = () => benchmark.list!();
  const has = () => true;
  await expect(
    accuracyDistance({ ...without, list, has, cells: 1 }, 10, stream(1, 'test')),
  ).rejects.toMatchObject({
    exitCode: 3,
    message: 'bare has no test accuracies',
  });
  const unlisted = { ...without, has, cells: 1, list: undefined } as never;
  await expect(accuracyDistance(unlisted, 10, stream(1, 'test'))).rejects.toMatchObject({ exitCode: 3 });
});
