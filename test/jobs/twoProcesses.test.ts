import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { specJob } from '../../src/jobs/specJob.js';
import { readSpec } from '../../src/pipelines/fromSpec/index.js';
import { natsServer, testServer } from '../support/nats.js';
import { runDigest } from '../support/runDigest.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const producer = 'examples/cells-to-stream.yaml';
const trainer = 'examples/train-from-stream.yaml';

/** All stages of both in one process. */
async function alone(out: string) {
  const [cells, steps] = [producer, trainer].map((file) => parse(readFileSync(file, 'utf8')));
  const spec = {
    ...{ name: 'alone', space: cells.space, engine: 'simd' },
    pipeline: [...cells.pipeline.slice(0, -1), ...steps.pipeline.slice(1)],
  };
  await specJob(await readSpec(spec), { out, stop: NEVER });
  return runDigest(out);
}
const same = ({ count, rows, weights, tables }: ReturnType<typeof runDigest>) => ({
  count,
  rows,
  weights,
  tables,
});

/** Everything that was written into a folder. */
const written = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');

describe.skipIf(!natsServer)('a pretraining in two processes', () => {
  it('gives the steps and weights of one, also where both are killed in the middle; its password stands nowhere', async () => {
    const server = await testServer({ config: 'authorization { user: me, password: hunter2 }' });
    const folder = temporaryFolder();
    const secret = join(folder, 'password');
    writeFileSync(secret, 'hunter2\n');
    const env = { RXNAS_NATS_URL: server.url.replace('nats://', 'nats://me:hunter2@') };
    const flags = ['--nats-user', 'me', '--nats-password-file', secret];
    const output: string[] = [];
    const commandLines: string[] = [];
    const run = async (
      args: string[],
      started?: (child: ChildProcess) => void,
      env: NodeJS.ProcessEnv = {},
    ) => {
      const outcome = await rxnas(
        args,
        (child) => {
          void setTimeout(300).then(() => {
            const file = `/proc/${child.pid}/cmdline`;
            if (existsSync(file)) commandLines.push(readFileSync(file, 'latin1'));
          });
          started?.(child);
        },
        env,
      );
      output.push(outcome.stdout, outcome.stderr);
      return outcome;
    };
    const killed = async (args: string[], until: string, env: NodeJS.ProcessEnv) => {
      let child: ChildProcess | undefined;
      const running = run(
        args,
        (started) => {
          child = started;
        },
        env,
      );
      while (!existsSync(until) || readdirSync(until).length < 2) await setTimeout(5);
      child!.kill('SIGKILL');
      return (await running).signal;
    };

    const [cells, steps] = [join(folder, 'cells'), join(folder, 'steps')];
    // By the flags, with the address alone; and by the environment.
    const sending = run([
      'run',
      producer,
      '--out',
      cells,
      '--set',
      `toJetStream.server=${server.url}`,
      ...flags,
    ]);
    await killed(['run', trainer, '--out', steps, '--set', 'engine=simd'], join(steps, 'checkpoints'), env);
    expect((await sending).stderr).not.toMatch(/Error|at .*\.js/);
    expect((await sending).code).toBe(0);
    // The same source again: all of it is there.
    expect((await run(['run', producer, '--out', join(folder, 'again')], undefined, env)).code).toBe(0);
    const resumed = await run(['resume', steps], undefined, env);
    expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
    expect(same(runDigest(steps))).toEqual(same(await alone(join(folder, 'alone'))));

    expect(commandLines.length).toBeGreaterThan(0);
    expect(commandLines.join()).not.toContain('hunter2');
    expect(output.join()).not.toContain('hunter2');
    for (const dir of [cells, steps]) expect(written(dir)).not.toContain('hunter2');
  }, 120_000);

  it.each([
    [
      ['run', producer, '--set', 'toJetStream.server=nats://me:hunter2@127.0.0.1:1'],
      /no password or token belongs here/,
    ],
    [
      ['run', trainer, '--set', 'fromJetStream.server=nats://hunter2@127.0.0.1:1'],
      /no password or token belongs here/,
    ],
    [
      ['run', 'pretrain', '--set', 'executor=nats://me:hunter2@127.0.0.1:1'],
      /no password or token belongs here/,
    ],
    [['run', 'pretrain', '--on', 'nats://me:hunter2@127.0.0.1:1'], /has a password or token in it/],
    [['worker', '--nats', 'nats://me:hunter2@127.0.0.1:1'], /has a password or token in it/],
    [['run', producer, '--nats-password', 'hunter2'], /unknown flag '--nats-password'/],
  ])(
    'refuses a secret on the command line and does not repeat it: %j',
    async (args, message) => {
      const folder = temporaryFolder();
      const out = join(folder, 'run');
      const outcome = await rxnas(args[0] === 'run' ? [...args, '--out', out] : args);
      expect(outcome.code).toBe(2);
      expect(outcome.stderr).toMatch(message);
      expect(outcome.stdout + outcome.stderr).not.toContain('hunter2');
      expect(existsSync(out)).toBe(false);
    },
    30_000,
  );

  it('a server that is not there: one message, and nothing is lost', async () => {
    const out = join(temporaryFolder(), 'run');
    const outcome = await rxnas([
      'run',
      producer,
      '--out',
      out,
      '--set',
      'toJetStream.server=nats://127.0.0.1:1',
    ]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('no NATS server at 127.0.0.1:1: connection refused');
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
  }, 30_000);
});
