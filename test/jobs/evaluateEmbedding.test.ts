import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluateEmbeddings } from '../../src/jobs/evaluateEmbedding.js';
import { pretrainJob } from '../../src/jobs/pretrain.js';

const folder = mkdtempSync(join(tmpdir(), 'rxnas-evaluate-'));
const run = join(folder, 'run');
const options = { controllers: [run], cells: 200, pairs: 300, seed: 1, engine: 'simd', threads: 1 } as const;

beforeAll(async () => {
  await pretrainJob(
    { space: 'nasbench101', engine: 'simd', threads: 1, steps: 30, batch: 64, embed: 0 },
    { out: run, stop: NEVER },
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('evaluates a pretrained embedding beside an untrained one, the same each time', async () => {
  const found = await evaluateEmbeddings({ ...options, benchmark: 'mnist-cells5' });
  expect(found).toMatchObject({ space: 'nasbench101', cells: 200 });
  const [trained] = found.controllers.map(({ quality }) => quality);
  for (const quality of [trained!, found.untrained]) {
    expect(Math.abs(quality.locality.correlation)).toBeLessThanOrEqual(1);
    expect(quality.accuracy!.surrogates.map(({ train }) => train)).toEqual([100]);
  }
  expect(trained).not.toEqual(found.untrained);
  expect(await evaluateEmbeddings({ ...options, benchmark: 'mnist-cells5' })).toEqual(found);
});

it('says what does not fit', async () => {
  await expect(evaluateEmbeddings({ ...options, controllers: [folder] })).rejects.toMatchObject({
    exitCode: 3,
  });
  await expect(evaluateEmbeddings({ ...options, benchmark: 'mnist-cells6' })).rejects.toMatchObject({
    exitCode: 2,
  });
});
