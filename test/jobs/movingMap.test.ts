import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { openBenchmark } from '../../src/core/benchmark/index.js';
import { controllerFor } from '../../src/core/controller/config.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import { openEngine } from '../../src/core/engine/index.js';
import { checkpointFiles, createRun, openRun, readManifest } from '../../src/core/run/index.js';
import { openSpace } from '../../src/core/space/index.js';
import { sampleCells } from '../../src/core/space/sampleCells.js';
import { tokensOfCells } from '../../src/core/space/space.js';
import { movingMap } from '../../src/jobs/watch/movingMap.js';
import type { MapData } from '../../src/report/mapModel.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const space = openSpace('nasbench201');
const config = controllerFor(space);

/** A run that gets checkpoints of controllers with the weights of a seed. */
const { spec } = readManifest('test/golden/runs/pretrain-1');

async function newRun() {
  const run = await createRun({ kind: 'pretrain', root: temporaryFolder(), spec, seed: 1 });
  onTestFinished(() => run.close());
  const checkpoint = (step: number, seed: number) =>
    run.checkpoint({
      space: space.name,
      controller: { config, weights: initialWeights(config, seed) },
      position: { step, epoch: 0, round: 0 },
    });
  return { dir: run.dir, checkpoint };
}

/** The maps as they come; `next` waits for one more. */
function maps(dir: string) {
  const states: MapData[] = [];
  let failed: unknown;
  let wake = () => {};
  const subscription: Subscription = movingMap(openRun(dir), { count: 600, every: 20 }).subscribe({
    next(state) {
      states.push(state);
      wake();
    },
    error(error) {
      failed = error;
      wake();
    },
  });
  onTestFinished(() => subscription.unsubscribe());
  let taken = 0;
  const next = async (): Promise<MapData> => {
    while (states.length <= taken && !failed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failed) throw failed;
    return states[taken++]!;
  };
  return { states, next };
}

it('embeds the same cells with each newest checkpoint, and lays them out near to where they lay', async () => {
  const { dir, checkpoint } = await newRun();
  const { next, states } = maps(dir);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(states).toEqual([]);

  await checkpoint(10, 1);
  const first = await next();
  expect(first.source).toBe('600 cells of nasbench201, embedded by the controller after 10 steps');
  expect(first.cells).toEqual(sampleCells(space, 600, 1));
  const engine = await openEngine('simd', { threads: 1 });
  const controller = await engine.controller(config, initialWeights(config, 1));
  expect(first.embeddings).toEqual(await controller.embed(tokensOfCells(space, first.cells)));
  controller.dispose();
  await engine.dispose();

  await checkpoint(20, 1);
  const same = await next();
  expect(same.source).toMatch(/ 20 steps$/);
  expect(Math.max(...same.places!.map((value, i) => Math.abs(value - first.places![i]!)))).toBeLessThan(1e-6);
  await checkpoint(30, 2);
  const other = await next();
  expect(other.embeddings).not.toEqual(same.embeddings);
});

it('shows cells of the benchmark of a search, with their accuracies', async () => {
  const { spec } = readManifest('test/golden/runs/search-1');
  const run = await createRun({ kind: 'search-nao', root: temporaryFolder(), spec, seed: 1 });
  onTestFinished(() => run.close());
  await run.checkpoint({
    space: space.name,
    controller: { config, weights: initialWeights(config, 1) },
    position: { step: 100, epoch: 0, round: 3 },
  });
  const { source, cells, accuracies, benchmark } = await maps(run.dir).next();
  const table = await openBenchmark('nasbench201:test/golden/runs/nasbench201.parquet');
  onTestFinished(() => void table.close?.());
  expect(source).toContain(' embedded by the controller after 3 rounds');
  expect([...cells]).toEqual([...sampleCells(space, 600, 1, table.list!())]);
  expect(benchmark).toBe(table.summary);
  const { test } = await table.lookup(cells[5]!);
  expect(accuracies![0]!.values[5]).toBeCloseTo(test.reduce((sum, value) => sum + value) / test.length);
});

it('passes over a checkpoint that cannot be read', async () => {
  const { dir, checkpoint } = await newRun();
  await checkpoint(10, 1);
  await checkpoint(20, 1);
  const [newest] = checkpointFiles(dir);
  writeFileSync(newest!, 'cut');
  const { next } = maps(dir);
  expect((await next()).source).toMatch(/ 10 steps$/);
  writeFileSync(join(dir, 'checkpoints', '00000009.ckpt'), '');
  await checkpoint(30, 1);
  while (!(await next()).source.endsWith(' 30 steps'));
});

it('says that it knows the spaces of rxnas alone', async () => {
  const run = await createRun({ kind: 'pretrain', root: temporaryFolder(), spec, seed: 1 });
  onTestFinished(() => run.close());
  await run.checkpoint({
    space: 'rings',
    controller: { config, weights: initialWeights(config, 1) },
    position: { step: 1, epoch: 0, round: 0 },
  });
  await expect(maps(run.dir).next()).rejects.toMatchObject({ exitCode: 2 });
});
