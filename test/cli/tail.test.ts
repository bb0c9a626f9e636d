import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createRun } from '../../src/core/run/index.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const small = '--space nasbench201 --batch 32 --engine simd --threads 1 --embed 0'.split(' ');

it('follows a run that another process writes, until it ends', async () => {
  const dir = join(temporaryFolder(), 'run');
  const pretraining = rxnas(['pretrain', ...small, '--steps', '200', '--out', dir, '--quiet']);
  while (!existsSync(join(dir, 'manifest.json'))) await setTimeout(10);
  const { code, stdout, stderr } = await rxnas(['tail', dir, '--rows', '1000', '--events', 'step', '--json']);
  expect((await pretraining).code).toBe(0);
  expect(code).toBe(0);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map(({ event, row, step }) => [event, row, step])).toEqual(
    Array.from({ length: 200 }, (_, i) => ['step', i, i]),
  );
  expect(stderr).toContain(': done');
});

it('shows the last rows of a run that has ended, and stops at Ctrl-C while one goes on', async () => {
  const dir = join(temporaryFolder(), 'run');
  const run = await createRun({ kind: 'test', out: dir, spec: {}, seed: 1 });
  run.append(
    'warning',
    Array.from({ length: 30 }, (_, step) => ({ code: 'test', message: 'm', step })),
  );
  run.flush();
  const live = await rxnas(['tail', dir, '--rows', '2'], (child) => {
    child.stdout!.once('data', () => child.kill('SIGINT'));
  });
  expect(live.code).toBe(130);
  expect(live.stdout).toBe(
    'warning 28  code=test message=m step=28\nwarning 29  code=test message=m step=29\n',
  );
  await run.finish('done');
  const ended = await rxnas(['tail', dir, '--rows', '0']);
  expect(ended).toMatchObject({ code: 0, stdout: '' });
  const wrong = await rxnas(['tail', join(dir, 'no')]);
  expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('there is no run') });
});
