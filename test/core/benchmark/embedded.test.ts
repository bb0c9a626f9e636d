import { expect, it } from 'vitest';
import { embeddedBenchmark, openBenchmark } from '../../../src/core/benchmark/index.js';
import { networkPlan, parameterCount } from '../../../src/core/benchmark/live/network.js';
import { mnistProtocol } from '../../../src/core/benchmark/live/protocol.js';
import { agreement, benchmarkStatistics } from '../../../src/core/benchmark/statistics.js';
import { nasbench101, verticesOf } from '../../../src/core/space/nasbench101.js';
import { sharedData } from '../../support/sharedData.js';

it('has every cell of at most 5 vertices, in canonical form, with all its repeats', async () => {
  const benchmark = await openBenchmark(embeddedBenchmark);
  const cells = nasbench101.cells().filter((cell) => verticesOf(cell) <= 5);
  expect([...benchmark.list!()]).toEqual([...cells]);

  const images = mnistProtocol.images;
  const unsound: number[] = [];
  for (const cell of cells) {
    const { validation, test, parameters, seconds } = await benchmark.lookup(cell);
    // Accuracies are counts of images.
    const counted = (values: readonly number[], count: number) =>
      values.length >= 2 && values.every((value) => Math.abs(((value * count + 0.5) % 1) - 0.5) < 1e-6);
    const network = networkPlan(cell, mnistProtocol.network);
    const sound =
      counted(validation, images.validation) &&
      counted(test, images.test) &&
      parameters === parameterCount(network) &&
      seconds > 0;
    if (!sound) unsound.push(cell);
  }
  expect(unsound).toEqual([]);
});

it('tells cells apart: spread well above noise, and more than their size does', async () => {
  const benchmark = await openBenchmark(embeddedBenchmark);
  const { all, repeatCorrelation, byParameters } = await benchmarkStatistics(benchmark);
  expect(all.ratio).toBeGreaterThan(2);
  expect(repeatCorrelation).toBeGreaterThan(0.85);
  expect(repeatCorrelation).toBeGreaterThan(byParameters.correlation);
});

const nasbench = sharedData('nasbench101.parquet');
it.skipIf(!nasbench)('ranks cells more like CIFAR-10 does than their size', async () => {
  const found = await agreement(
    await openBenchmark(embeddedBenchmark),
    await openBenchmark(`nasbench101:${nasbench}`),
  );
  expect(found.cells).toBe(2532);
  expect(found.correlation).toBeGreaterThan(found.byParameters + 0.1);
});
