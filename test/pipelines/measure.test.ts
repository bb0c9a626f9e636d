import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastValueFrom, take, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { openBenchmark } from '../../src/core/benchmark/index.js';
import { mnistProtocol, type Protocol } from '../../src/core/benchmark/live/protocol.js';
import { nasbench101 } from '../../src/core/space/nasbench101.js';
import { type MeasureOptions, measure } from '../../src/pipelines/measure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** A network and data set small enough for a training in milliseconds. */
const protocol: Protocol = {
  ...mnistProtocol,
  name: 'tiny',
  images: { training: 100, validation: 50, test: 100, side: 8 },
  network: { ...mnistProtocol.network, channels: 8, stacks: 2 },
};

const options = (folder: string): MeasureOptions => ({
  out: join(folder, 'table.parquet'),
  log: join(folder, 'log'),
  maxVertices: 3,
  repeats: 2,
  processes: 1,
  protocol,
});

const figures = async (folder: string) => {
  const benchmark = await openBenchmark(`mnist-cells5:${join(folder, 'table.parquet')}`);
  const found = await Promise.all(Array.from(benchmark.list!(), (cell) => benchmark.lookup(cell)));
  return found.map(({ validation, test, parameters }) => ({ validation, test, parameters }));
};

it('measures every cell into a table, the same when stopped and gone on with, in any number of processes', async () => {
  const whole = temporaryFolder();
  const progress = await lastValueFrom(measure(options(whole)).pipe(toArray()));
  expect(progress.map(({ done }) => done)).toEqual([...Array(15).keys(), 14]);
  expect(progress.at(-1)).toEqual({ done: 14, total: 14, out: join(whole, 'table.parquet') });

  const stopped = temporaryFolder();
  await lastValueFrom(measure(options(stopped)).pipe(take(6)));
  expect(existsSync(join(stopped, 'table.parquet'))).toBe(false);
  const rest = await lastValueFrom(measure({ ...options(stopped), processes: 2 }).pipe(toArray()));
  expect(rest[0]).toEqual({ done: 5, total: 14 });

  const expected = await figures(whole);
  expect(expected).toHaveLength(7);
  expect(await figures(stopped)).toEqual(expected);
  // The repeats differ, and the log holds each training once.
  expect(expected.some(({ test }) => test[0] !== test[1])).toBe(true);
  expect(readFileSync(join(stopped, 'log'), 'utf8').trim().split('\n')).toHaveLength(14);
  expect([...(await openBenchmark(`mnist-cells5:${join(whole, 'table.parquet')}`)).list!()]).toEqual([
    ...nasbench101.cells().slice(0, 7),
  ]);
}, 120_000);

it('hands on why a training process cannot start: no images, exit code 3', async () => {
  const folder = temporaryFolder();
  const measured = lastValueFrom(measure({ ...options(folder), images: folder }));
  await expect(measured).rejects.toMatchObject({ exitCode: 3 });
});
