import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { NEVER } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure } from '../../../src/core/errors.js';
import { openRun, readManifest } from '../../../src/core/run/index.js';
import { pretrainJob } from '../../../src/jobs/pretrain.js';
import { resumeSweep, type SweepOptions, sweepJob } from '../../../src/jobs/sweep/job.js';
import { sweepStanding } from '../../../src/jobs/sweep/standing.js';
import { readSweep } from '../../../src/pipelines/fromSpec/sweep.js';
import { runDigest } from '../../support/runDigest.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { here, resultRows, smallSweep } from './support.js';

const sweep = await readSweep(smallSweep());

/** The sweep in a new folder, its pretrainings kept there as processes of this machine do. */
function run(options: Partial<SweepOptions> = {}, of = sweep) {
  const out = join(temporaryFolder(), 'sweep');
  const executor = here({ folder: out });
  return sweepJob(of, { out, stop: NEVER, executor, ...options });
}

/** The whole of it, made once, by one process. */
let whole: Awaited<ReturnType<typeof sweepJob>>;
beforeAll(async () => {
  const out = join(mkdtempSync(join(tmpdir(), 'rxnas-test-')), 'sweep');
  whole = await sweepJob(sweep, { out, stop: NEVER, workers: 1 });
}, 60_000);
afterAll(() => rmSync(dirname(whole.dir), { recursive: true, force: true }));

const pretrainingsOf = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.startsWith('pretrain-'))
    .sort();
const kinds = ({ asked }: ReturnType<typeof here>) => asked.map(({ kind }) => kind);

describe('a sweep', () => {
  it('has the same bytes whatever is done at once, and where pretrainings are carried out', async () => {
    const one = whole;
    const many = await run();
    const elsewhere = await run({ executor: here({ slots: 3 }) });
    expect(
      one.summary.map(({ variant, searches, pretrainings }) => [variant, searches, pretrainings]),
    ).toEqual([
      ['TripletMargin', 4, 2],
      ['NoMetric', 4, 2],
      ['Random', 4, 0],
    ]);
    expect(pretrainingsOf(one.dir)).toHaveLength(4);
    for (const other of [many, elsewhere]) {
      expect(runDigest(other.dir)).toEqual(runDigest(one.dir));
      expect(readFileSync(join(other.dir, 'summary.json'))).toEqual(
        readFileSync(join(one.dir, 'summary.json')),
      );
      for (const name of pretrainingsOf(one.dir)) {
        expect(runDigest(join(other.dir, name)).weights).toBe(runDigest(join(one.dir, name)).weights);
      }
    }
  }, 120_000);

  it('searches with the controller of its own pretraining, from the same sample in all variants', async () => {
    const rows = resultRows(whole.dir);
    const order = rows.filter(({ query }) => query === 1);
    expect(order.map(({ variant, pretrain_seed, seed }) => `${variant} ${pretrain_seed} ${seed}`)).toEqual(
      [1, 2, 1001, 1002].flatMap((seed) =>
        ['TripletMargin', 'NoMetric', 'Random'].map((variant) => `${variant} ${seed % 1000} ${seed}`),
      ),
    );
    const sample = (variant: string, seed: number) =>
      rows
        .filter((row) => row.variant === variant && row.seed === seed && row.round === 0)
        .map(({ cell }) => cell);
    expect(sample('NoMetric', 2)).toEqual(sample('TripletMargin', 2));
    expect(sample('NoMetric', 1002)).not.toEqual(sample('NoMetric', 2));
  });

  it('goes on without a unit that fails, says so at the end, and tries it again', async () => {
    const out = join(temporaryFolder(), 'sweep');
    const executor = here({ folder: out });
    const broken: typeof executor = {
      ...executor,
      async run(unit) {
        if (unit.name === 'pretrain-NoMetric-1') throw failure('training diverged at step 3', 'lower it');
        return executor.run(unit);
      },
    };
    await expect(run({ out, executor: broken })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(
        /1 of the sweep's units failed, pretrain-NoMetric-1 first: training diverged/,
      ),
      hint: expect.stringContaining('10 of 12 searches are kept'),
    });
    const standing = await sweepStanding(out, sweep);
    expect(standing).toMatchObject({ status: 'failed', progress: { searches: { done: 10, all: 12 } } });
    const again = here({ folder: out });
    const { dir } = await resumeSweep(out, { stop: NEVER, executor: again });
    expect(kinds(again)).toEqual(['pretrain', 'search', 'search']);
    expect(runDigest(dir)).toEqual(runDigest(whole.dir));
    expect(existsSync(join(dir, 'waiting'))).toBe(false);
  });
});

it('shows its searches test accuracies alone, under the protocol oracle', async () => {
  const { losses: _, ...seeds } = smallSweep().sweep;
  const oracle = {
    ...smallSweep({ 'rounds.protocol': 'oracle' }),
    sweep: { ...seeds, losses: ['NoMetric'] },
  };
  const { dir, summary } = await run({}, await readSweep(oracle));
  const rows = resultRows(dir);
  expect(rows.length).toBeGreaterThan(200);
  for (const { test, validation } of rows) expect(validation).toBe(test);
  expect(rows.every(({ best_test, best_validation }) => best_test === best_validation)).toBe(true);
  expect(new Set(summary.map(({ protocol }) => protocol))).toEqual(new Set(['oracle']));
  expect(resultRows(whole.dir).some(({ test, validation }) => validation !== test)).toBe(true);
});

describe('--reuse', () => {
  const settings = { batch: 64, steps: 4, embed: 16, engine: 'simd', threads: 2 };

  it('takes pretrainings with the same rows, however often their checkpoints were made', async () => {
    const folder = temporaryFolder();
    const made = await pretrainJob(
      { ...settings, loss: 'NoMetric', seed: 2, checkpointEvery: 3 },
      { out: join(folder, 'pretrain-NoMetric-2'), stop: NEVER },
    );
    const out = join(temporaryFolder(), 'sweep');
    const executor = here({ folder: out });
    const { dir } = await run({ out, executor, reuse: [folder] });
    expect(executor.asked.map(({ name }) => name)).not.toContain('pretrain-NoMetric-2');
    expect(readManifest(join(dir, 'pretrain-NoMetric-2')).created).toBe(readManifest(made.dir).created);
    expect(runDigest(dir)).toEqual(runDigest(whole.dir));
  });

  it('refuses what has other rows, and folders that are not there', async () => {
    const folder = temporaryFolder();
    await pretrainJob(
      { ...settings, steps: 3, loss: 'NoMetric', seed: 2 },
      { out: join(folder, 'pretrain-NoMetric-2'), stop: NEVER },
    );
    await expect(run({ reuse: [folder] })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/pretrain-NoMetric-2 was pretrained with anchors.steps 3, not 4/),
    });
    await expect(run({ reuse: [join(folder, 'nowhere')] })).rejects.toMatchObject({ exitCode: 3 });
  });

  it('takes the searches of a smaller sweep, so that a sweep grows', async () => {
    const small = await run({}, { ...sweep, searchSeeds: 1, variants: sweep.variants.slice(0, 2) });
    const out = join(temporaryFolder(), 'sweep');
    const executor = here({ folder: out });
    const notes: string[] = [];
    const grown = await run({ out, executor, reuse: [small.dir], onNote: (line) => notes.push(line) });
    expect(kinds(executor)).toEqual(Array(8).fill('search'));
    expect(runDigest(grown.dir)).toEqual(runDigest(whole.dir));
    expect(notes.join('\n')).toMatch(/4 pretrainings taken.*\n.*4 searches taken/);

    const other = await readSweep({ extends: 'table1', ...smallSweep({ 'rounds.most': 2 }) });
    const asked = here({ folder: out });
    await run(
      { out: `${out}-2`, executor: asked, reuse: [small.dir], onNote: (line) => notes.push(line) },
      other,
    );
    expect(kinds(asked).filter((kind) => kind === 'search')).toHaveLength(12);
    expect(notes.at(-1)).toMatch(/first difference: search.rounds.most/);
  });
});

it('a sweep that is computed anew has the rows that it logged', async () => {
  const { verifyRun } = await import('../../../src/jobs/verify.js');
  const { dir } = await run({}, { ...sweep, seeds: 1, searchSeeds: 1, variants: sweep.variants.slice(1) });
  expect(await verifyRun(dir, { stop: NEVER })).toMatchObject({ status: 'equal', compared: { summary: 2 } });
  expect(openRun(dir).manifest.summary).toMatchObject({ protocol: 'V', searches: 2, against: 'NoMetric' });
}, 60_000);
