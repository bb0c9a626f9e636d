import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { createRun, type Run, readManifest, resumeRun } from '../../src/core/run/index.js';
import { comparison } from '../../src/jobs/settings.js';
import { watchModel } from '../../src/jobs/watch/watchModel.js';
import { readSweep, resolvedSweep } from '../../src/pipelines/fromSpec/sweep.js';
import type { ReportModel } from '../../src/report/model.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const rest = { epoch: 0, reconstruction: 1, metric: 1, mined: 0, learning_rate: 1, gradient_norm: 1 };
const step = (step: number) => ({ step, total: 1, ...rest, spread: 0.1, effective_rank: 8 });
const position = (step: number) => ({ step, epoch: 0, round: 0 });

/** Of a pretraining of 24 steps. */
const { spec } = readManifest('test/golden/runs/pretrain-1');

async function newRun(steps: number): Promise<Run> {
  const run = await createRun({ kind: 'pretrain', root: temporaryFolder(), spec, seed: 1 });
  log(run, 0, steps);
  return run;
}

function log(run: Run, from: number, to: number): void {
  for (let i = from; i < to; i++) run.append('step', step(i));
  run.flush();
}

/** The models as they come; `until` waits for one. */
function watched(dir: string) {
  const models: ReportModel[] = [];
  let failed: Error | undefined;
  let wake = () => {};
  const subscription: Subscription = watchModel(dir).subscribe({
    next(model) {
      models.push(model as ReportModel);
      wake();
    },
    error(error) {
      failed = error;
      wake();
    },
  });
  onTestFinished(() => subscription.unsubscribe());
  const until = async (want: (model: ReportModel) => boolean): Promise<ReportModel> => {
    for (;;) {
      const found = models.find(want);
      if (found) return found;
      if (failed) throw failed;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { models, until };
}

const done = ({ live }: ReportModel) => live?.progress[0]?.done;

it('shows a run as it is, as it grows, and how it ends', async () => {
  const run = await newRun(10);
  const { until, models } = watched(run.dir);
  const first = await until(() => true);
  expect(first.live).toMatchObject({ state: 'running', progress: [{ unit: 'steps', done: 10, total: 24 }] });
  expect(first.panels.find(({ id }) => id === 'step-total')!.series[0]!.x).toHaveLength(10);
  log(run, 10, 18);
  const later = await until((model) => done(model) === 18);
  expect(later.panels.find(({ id }) => id === 'step-total')!.series[0]!.x).toHaveLength(18);
  log(run, 18, 24);
  await run.finish('done', { steps: 24, total: 1 });
  const last = await until(({ live }) => live?.state === 'done');
  expect(last.runs[0]).toMatchObject({ state: 'done', figures: [{ name: 'steps', value: 24 }, {}] });
  expect(done(last)).toBe(24);
  expect(new Set(models.map(({ made }) => made)).size).toBe(1);
});

it('goes on with a run that was stopped and resumed, and tells that a process is gone', async () => {
  const run = await newRun(10);
  await run.checkpoint({ space: 'nasbench201', position: position(10) });
  log(run, 10, 20);
  const { until } = watched(run.dir);
  await until((model) => done(model) === 20);
  run.close();
  await until(({ live }) => live?.state === 'dead');
  const { run: resumed } = await resumeRun(run.dir);
  log(resumed, 10, 15);
  await until(({ live }) => live?.state === 'running');
  log(resumed, 15, 30);
  const later = await until((model) => done(model) === 30);
  expect(later.panels.find(({ id }) => id === 'step-total')!.series[0]!.x.at(-1)).toBe(30);
  await resumed.finish('interrupted');
  await until(({ live }) => live?.state === 'interrupted');
});

it('shows no state for each row: what comes at once comes as one', async () => {
  const run = await newRun(1);
  const { until, models } = watched(run.dir);
  await until(() => true);
  for (let i = 1; i < 40; i++) {
    log(run, i, i + 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until((model) => done(model) === 40);
  expect(models.length).toBeLessThan(6);
  await run.finish('done');
});

it('counts the searches of a sweep, and shows how its variants have done so far', async () => {
  const query = {
    round: 0,
    cell: 1,
    hash: 'h',
    variant: 'random',
    loss: '',
    pretrain_seed: 1,
    searcher: 'random',
    origin: 'sample',
    validation: 0.9,
    test: 0.9,
  };
  const best = { best_validation: 0.9, best_test: 0.9, regret: 0, rank: 1, seconds: 0, protocol: 'V' };
  const settings = resolvedSweep(await comparison({ searchers: ['random', 'evolution'], seeds: 3 }));
  const run = await createRun({ kind: 'sweep', root: temporaryFolder(), spec: settings, seed: 1 });
  for (const at of [1, 2, 3]) {
    run.append('result', { ...query, ...best, query: at, seed: 1 });
    run.flush(); // a search in several records
  }
  run.append('result', { ...query, ...best, variant: 'evolution', query: 1, seed: 1 });
  run.flush();
  const { until } = watched(run.dir);
  const { live, comparisons } = await until(() => true);
  expect(live!.progress).toMatchObject([{ unit: 'searches', done: 2, total: 6 }]);
  expect(comparisons[0]!.notes[0]).toBe('So far: the sweep has not ended.');
  expect(comparisons[0]!.rows).toMatchObject([
    { variant: 'random', searches: 1, test: 0.9 },
    { variant: 'evolution', searches: 1 },
  ]);
  run.close();
});

it('counts the pretrainings of a sweep, which are runs of their own', async () => {
  const sweep = await readSweep({
    sweep: { seeds: 2, losses: ['NPairs'] },
    pretrain: { extends: 'pretrain' },
    search: { extends: 'search' },
  });
  const spec = resolvedSweep(sweep);
  const run = await createRun({ kind: 'sweep', root: temporaryFolder(), spec, seed: 1 });
  onTestFinished(() => run.close());
  const { until } = watched(run.dir);
  const { live } = await until(() => true);
  expect(live!.progress).toMatchObject([
    { unit: 'pretrainings', done: 0, total: 2 },
    { unit: 'searches', done: 0, total: 2 },
  ]);
  const made = { out: join(run.dir, 'pretrain-NPairs-2'), kind: 'pretrain', spec: {}, seed: 2 };
  await (await createRun(made)).finish('done');
  await until((model) => done(model) === 1);
});

it('fails with a message where the run goes away', async () => {
  const run = await newRun(1);
  const { until } = watched(run.dir);
  await until(() => true);
  run.close();
  rmSync(run.dir, { recursive: true });
  mkdirSync(run.dir);
  await expect(until(() => false)).rejects.toMatchObject({ exitCode: 3 });
});
