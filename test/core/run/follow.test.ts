import { renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../../src/core/batch/index.js';
import { createRun, followRun, type LogRecord, resumeRun } from '../../../src/core/run/index.js';
import { GrowingLog } from '../../../src/core/run/log/reader.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const create = (dir: string) => createRun({ kind: 'test', out: dir, spec: {}, seed: 1 });
const warning = (step: number) => ({ code: 'test', message: `row ${step}`, step });
const steps = ({ batch }: LogRecord) =>
  [...rowsOf(batch)].map((row) => (row as unknown as { step: number }).step);

/** Follows a run to its end. */
async function follow(
  dir: string,
  options: Parameters<typeof followRun>[1] = {},
  onStep = (_: number) => {},
) {
  const seen: number[] = [];
  const records = followRun(dir, { every: 2, ...options });
  for (;;) {
    const { done, value } = await records.next();
    if (done) return { seen, state: value };
    for (const step of steps(value)) {
      seen.push(step);
      onStep(step);
    }
  }
}

describe('followRun', () => {
  it('gives rows as they are logged, and ends with the run', async () => {
    const dir = join(temporaryFolder(), 'run');
    const run = await create(dir);
    run.append('warning', [warning(0), warning(1)]);
    run.flush();
    const { seen, state } = await follow(dir, {}, (step) => {
      if (step < 1) return;
      if (step < 5) {
        run.append('warning', warning(step + 1));
        run.flush();
      } else void run.finish('done');
    });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
    expect(state).toBe('done');
  });

  it('gives a record only once it is whole', async () => {
    const dir = join(temporaryFolder(), 'run');
    const run = await create(dir);
    run.append('warning', warning(0));
    run.flush();
    const whole = run.position.bytes;
    run.append('warning', warning(1));
    await run.finish('interrupted');
    truncateSync(join(dir, 'events.log'), whole + 20);
    expect((await follow(dir)).seen).toEqual([0]);
  });

  it('goes on through a resumption, without repeating rows that are logged again', async () => {
    const dir = join(temporaryFolder(), 'run');
    const run = await create(dir);
    run.append('warning', warning(0));
    await run.checkpoint({ space: 'nasbench201', position: { step: 0, epoch: 0, round: 0 } });
    run.append('warning', [warning(1), warning(2)]);
    run.flush();
    let resumed: Awaited<ReturnType<typeof resumeRun>>['run'] | undefined;
    const { seen, state } = await follow(dir, { events: ['warning'] }, async (step) => {
      if (step === 2) {
        run.close();
        resumed = (await resumeRun(dir)).run;
        resumed.append('warning', [warning(1), warning(2), warning(3)]);
        resumed.flush();
      }
      if (step === 3) void resumed!.finish('done');
    });
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(state).toBe('done');
  });

  it('passes over rows that are known, and events that are not asked for', async () => {
    const dir = join(temporaryFolder(), 'run');
    const run = await create(dir);
    run.append('warning', [warning(0), warning(1), warning(2)]);
    await run.checkpoint({ space: 'nasbench201', position: { step: 0, epoch: 0, round: 0 } });
    await run.finish('done');
    expect((await follow(dir, { after: { warning: 2 }, events: ['warning'] })).seen).toEqual([2]);
  });

  it('says when the process is gone, and gives up when told to', async () => {
    const dir = join(temporaryFolder(), 'run');
    const run = await create(dir);
    run.append('warning', warning(0));
    run.flush();
    const stop = new AbortController();
    expect(await follow(dir, { signal: stop.signal }, () => stop.abort())).toEqual({
      seen: [0],
      state: 'running',
    });
    run.close();
    expect((await follow(dir)).state).toBe('dead');
  });

  it('closes the file when the consumer leaves', async () => {
    const dir = join(temporaryFolder(), 'run');
    const run = await create(dir);
    run.append('warning', warning(0));
    run.flush();
    for await (const record of followRun(dir)) {
      expect(steps(record)).toEqual([0]);
      break;
    }
    run.close();
    renameSync(join(dir, 'events.log'), join(dir, 'elsewhere'));
  });
});

it('sees that a log was cut back also where it has grown past the old end since', async () => {
  const dir = join(temporaryFolder(), 'run');
  const run = await create(dir);
  run.append('warning', warning(0));
  await run.checkpoint({ space: 'nasbench201', position: { step: 0, epoch: 0, round: 0 } });
  run.append('warning', [warning(1), warning(2)]);
  run.flush();
  const log = new GrowingLog(join(dir, 'events.log'));
  const next = () => [...log.next()].filter(({ event }) => event === 'warning').flatMap(steps);
  expect(next()).toEqual([0, 1, 2]);
  run.close();
  const { run: resumed } = await resumeRun(dir);
  resumed.append(
    'warning',
    Array.from({ length: 50 }, (_, i) => warning(1 + i)),
  );
  resumed.flush();
  expect(next()).toEqual(Array.from({ length: 48 }, (_, i) => 3 + i));
  expect(next()).toEqual([]);
  log.close();
  await resumed.finish('done');
});
