import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ProcessExecutor, type ProcessExecutorOptions } from '../../../src/core/work/processExecutor.js';
import { isAlive } from '../../support/isAlive.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

interface Unit {
  kind: string;
  value?: unknown;
  file?: string;
}
interface Answer {
  value: unknown;
  pid: number;
}

function executor(over: Partial<ProcessExecutorOptions<Unit>> = {}) {
  const made = new ProcessExecutor<Unit, Answer>({
    script: new URL('./worker.mjs', import.meta.url),
    slots: 2,
    attempts: 3,
    describe: ({ kind }) => `the unit ${kind}`,
    ...over,
  });
  onTestFinished(() => made.close());
  return made;
}

const gone = (pids: readonly number[]) =>
  vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 10_000, interval: 20 });

it('does every unit once, no more at once than it has slots, in processes that it uses again', async () => {
  const { run, ...work } = { run: executor(), kind: 'echo' };
  const answers = await Promise.all([5, 1, 4, 2, 3].map((value) => run.run({ ...work, value })));
  expect(answers.map(({ value }) => value)).toEqual([5, 1, 4, 2, 3]);
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(2);
  expect(run.pids).toHaveLength(2);
  expect(await run.run({ kind: 'nothing' })).toBeNaN();
});

it('starts no process before there is work, and gives a unit whose process dies to another one', async () => {
  const crashes: string[] = [];
  const run = executor({
    onCrash: (reason, { kind }, failures) => crashes.push(`${kind} ${failures}: ${reason}`),
  });
  expect(run.pids).toEqual([]);
  const file = join(temporaryFolder(), 'died');
  const [first, other] = await Promise.all([
    run.run({ kind: 'die once', value: 1, file }),
    run.run({ kind: 'echo', value: 2 }),
  ]);
  expect([first.value, other.value]).toEqual([1, 2]);
  expect(crashes).toEqual(['die once 1: a worker process ended (SIGKILL)']);
});

it('gives a unit up that kills every process, with what the last one said, and goes on with the others', async () => {
  const run = executor({ slots: 1 });
  const doomed = run.run({ kind: 'die' });
  const next = run.run({ kind: 'echo', value: 1 });
  await expect(doomed).rejects.toMatchObject({
    exitCode: 1,
    message:
      'the unit die was given up after 3 attempts: a worker process ended (exit code 7): libtensorflow: out of memory',
  });
  expect((await next).value).toBe(1);
  await expect(run.run({ kind: 'throw' })).rejects.toThrow(
    /given up after 3 attempts: Error: a mistake of ours/,
  );
});

it('hands on an error that the user can act upon at once', async () => {
  const onCrash = vi.fn();
  const run = executor({ onCrash });
  const refused = { message: 'the images are missing', hint: 'fetch them', exitCode: 3 };
  await expect(run.run({ kind: 'refuse' })).rejects.toMatchObject(refused);
  expect(onCrash).not.toHaveBeenCalled();
});

it('replaces a process that was killed while it was idle', async () => {
  const run = executor({ slots: 1 });
  const { pid } = await run.run({ kind: 'echo' });
  process.kill(pid, 'SIGKILL');
  await gone([pid]);
  expect((await run.run({ kind: 'echo' })).pid).not.toBe(pid);
});

it('leaves SIGINT to its parent', async () => {
  const run = executor({ slots: 1 });
  const { pid } = await run.run({ kind: 'echo' });
  process.kill(pid, 'SIGINT');
  expect((await run.run({ kind: 'echo', value: { wait: 100 } })).pid).toBe(pid);
});

it('ends everything when it is closed: work under way, work that waits, processes', async () => {
  const run = executor();
  const units = ['busy', 'busy', 'echo'].map((kind) => run.run({ kind }));
  const settled = Promise.allSettled(units);
  const { pids } = run;
  expect(pids).toHaveLength(2);
  await run.close();
  expect(pids.filter(isAlive)).toEqual([]);
  for (const each of await settled)
    expect(each).toMatchObject({
      status: 'rejected',
      reason: { exitCode: 1, message: 'the work was stopped' },
    });
  await expect(run.run({ kind: 'echo' })).rejects.toMatchObject({ exitCode: 1 });
  await run.close();
});

const parent = (...args: string[]) =>
  spawn(process.execPath, [fileURLToPath(new URL('./parent.mjs', import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

it('leaves no process behind when its own is killed', async () => {
  const file = join(temporaryFolder(), 'pids');
  const child = parent('busy', file);
  const pids = await vi.waitFor(
    () => {
      const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
      expect(lines).toHaveLength(2);
      return lines.map(Number);
    },
    { timeout: 20_000, interval: 20 },
  );
  expect(pids.every(isAlive)).toBe(true);
  child.kill('SIGKILL');
  await gone(pids);
});

it('does not keep its process from ending when nothing is left to do', async () => {
  const child = parent('idle');
  let said = '';
  child.stdout!.on('data', (text) => {
    said += text;
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  await gone([Number(said)]);
});
