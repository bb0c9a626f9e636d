import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openRun } from '../../src/core/run/index.js';
import { type Outcome, rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Calls `then` when the run in `dir` has written its first checkpoint. */
function atFirstCheckpoint(dir: string, then: () => void) {
  const timer = setInterval(() => {
    if (!existsSync(join(dir, 'checkpoints', '00000000.ckpt'))) return;
    clearInterval(timer);
    then();
  }, 10);
  onTestFinished(() => clearInterval(timer));
}

/** Small enough for seconds on any machine. */
const small = [
  '--space',
  'nasbench201',
  '--batch',
  '32',
  '--engine',
  'simd',
  '--threads',
  '1',
  '--embed',
  '50',
];
const pretrain = (out: string, ...args: string[]) => rxnas(['pretrain', ...small, '--out', out, ...args]);

/** What a user sees of an error of his: two lines, no stack trace. */
function expectMessage({ stderr }: Outcome, what: RegExp) {
  const lines = stderr.trimEnd().split('\n');
  const at = lines.findIndex((line) => line.startsWith('rxnas: '));
  expect(lines[at], stderr).toMatch(what);
  expect(lines[at + 1]?.trim(), stderr).toBeTruthy();
  expect(stderr).not.toMatch(/^\s+at /m);
}

// Whole programs are started, a dozen seconds of work where the machine is busy.
vi.setConfig({ testTimeout: 180_000 });

describe('rxnas', () => {
  it('counts the cells of nasbench101', async () => {
    const { code, stdout } = await rxnas(['space', 'count', 'nasbench101', '--json']);
    expect(code).toBe(0);
    const counted = JSON.parse(stdout);
    expect(counted.cells).toBe(423_624);
    expect(counted.byVertices).toEqual({ 2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010, 7: 359_082 });
    expect(counted.milliseconds).toBeGreaterThan(0);
  });

  it('explains itself: help with examples for every command, version, completion', async () => {
    const help = await rxnas(['--help']);
    expect(help.code).toBe(0);
    for (const command of ['doctor', 'space', 'pretrain', 'search', 'benchmark', 'export']) {
      expect(help.stdout).toContain(`rxnas ${command}`);
      const own = await rxnas([command, '--help']);
      expect(own.stdout).toContain('Examples:');
    }
    expect((await rxnas(['--version'])).stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
    expect((await rxnas(['completion'])).stdout).toContain('rxnas');
  });

  it('lists and describes benchmarks for programs', async () => {
    const list = JSON.parse((await rxnas(['benchmark', 'list', '--json'])).stdout);
    expect(list[0]).toMatchObject({ name: 'mnist-cells5', space: 'nasbench101', cells: 2532 });
    const described = JSON.parse((await rxnas(['benchmark', 'describe', 'mnist-cells5', '--json'])).stdout);
    expect(described).toMatchObject({ name: 'mnist-cells5', space: 'nasbench101', cells: 2532 });
  });

  it('pretrains, searches and exports', async () => {
    const folder = temporaryFolder();
    const run = join(folder, 'run');
    const result = await pretrain(run, '--steps', '20', '--json', '--quiet');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'done', steps: 20, last: { step: 19 } });
    expect(readdirSync(run).sort()).toEqual(
      [
        'checkpoints',
        'embeddings-000.parquet',
        'events.log',
        'manifest.json',
        'metrics-000.parquet',
        'stages-000.parquet',
        'spec.lock.yaml',
      ].sort(),
    );
    const out = join(folder, 'e.csv');
    const exported = await rxnas(['export', 'embeddings', '--run', run, '--format', 'csv', '--out', out]);
    expect(exported.code).toBe(0);
    expect(readFileSync(out, 'utf8').trim().split('\n')).toHaveLength(51);
  });

  it('goes on after Ctrl-C to the bits of the uninterrupted run, and exits with 130', async () => {
    const folder = temporaryFolder();
    const [whole, stopped] = [join(folder, 'whole'), join(folder, 'stopped')];
    const steps = ['--steps', '480', '--checkpoint-every', '50'];
    expect((await pretrain(whole, ...steps)).code).toBe(0);

    const first = await rxnas(['pretrain', ...small, '--out', stopped, ...steps], (child) =>
      atFirstCheckpoint(stopped, () => child.kill('SIGINT')),
    );
    expect(first.code).toBe(130);
    expect(first.stdout).toContain(`rxnas resume ${stopped}`);
    expect((await rxnas(['pretrain', '--resume', stopped])).code).toBe(0);
    expect(weightsOf(stopped)).toEqual(weightsOf(whole));
    expect(stepRows(stopped)).toEqual(stepRows(whole));
  });

  it('survives kill -9: resume gives the same weights and rows', async () => {
    const folder = temporaryFolder();
    const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
    const steps = ['--steps', '300', '--checkpoint-every', '25'];
    await pretrain(whole, ...steps);
    const first = await rxnas(['pretrain', ...small, '--out', killed, ...steps], (child) =>
      atFirstCheckpoint(killed, () => setTimeout(() => child.kill('SIGKILL'), 30)),
    );
    expect(first.code).toBe(null);
    expect((await rxnas(['pretrain', '--out', killed, '--resume'])).code).toBe(0);
    expect(weightsOf(killed)).toEqual(weightsOf(whole));
    expect(stepRows(killed)).toEqual(stepRows(whole));
  });
});

/** CRC of the weights at the end of a run. */
function weightsOf(dir: string): number {
  const last = [...openRun(dir).records({ events: ['checkpoint'] })].at(-1)!.batch;
  return last.getChild('weights')!.get(last.numRows - 1) as number;
}

const stepRows = (dir: string) =>
  [...openRun(dir).records({ events: ['step'] })].flatMap(({ batch }) =>
    batch.toArray().map((row) => row!.toJSON()),
  );

describe('wrong input gets one clear message and its exit code', () => {
  const cases: [string, string[], number, RegExp][] = [
    ['no command', [], 2, /a command is missing/],
    ['an unknown command', ['pretrian'], 2, /unknown command 'pretrian'/],
    ['an unknown subcommand', ['space', 'cuont'], 2, /unknown command 'cuont'/],
    ['an unknown flag', ['pretrain', '--stepps', '3'], 2, /unknown flag '--stepps'/],
    ['an unknown space', ['space', 'count', 'nasbench11'], 2, /unknown space 'nasbench11'/],
    ['an unknown loss', ['pretrain', '--loss', 'TripletMargn'], 2, /unknown loss 'TripletMargn'/],
    ['an unknown miner', ['pretrain', '--miner', 'Anguler'], 2, /unknown miner 'Anguler'/],
    ['an unknown engine', ['pretrain', '--engine', 'cuda'], 2, /engine/],
    ['an unknown benchmark', ['search', '--benchmark', 'nasbench1'], 2, /unknown benchmark 'nasbench1'/],
    ['a benchmark without its table', ['search', '--benchmark', 'nasbench101'], 2, /needs 'file'/],
    ['a batch that is not whole classes', ['pretrain', '--batch', '500'], 2, /not whole classes of 8/],
    ['a batch of one class', ['pretrain', '--batch', '8'], 2, /one class/],
    ['a number that is none', ['pretrain', '--steps', 'many'], 2, /--steps needs a number/],
    ['a fraction of a step', ['pretrain', '--steps', '1.5'], 2, /steps/],
    ['a negative seed', ['pretrain', '--seed', '-1'], 2, /seed/],
    ['a flag twice', ['pretrain', '--steps', '1', '--steps', '2'], 2, /given 2 times/],
    ['too many threads', ['pretrain', '--threads', '1000'], 2, /threads/],
    ['a missing controller', ['search', '--controller', '/nowhere/run'], 3, /nowhere/],
    ['a missing table', ['search', '--benchmark', 'nasbench101:/nowhere.parquet'], 3, /nowhere\.parquet/],
    ['a missing run', ['export', 'metrics', '--run', '/nowhere'], 3, /nowhere/],
    ['a run to resume that is not named', ['pretrain', '--resume'], 2, /which run/],
    ['two folders', ['pretrain', '--resume', 'a', '--out', 'b'], 2, /two folders/],
    ['a run to resume that is not there', ['pretrain', '--resume', '/nowhere'], 3, /nowhere/],
  ];
  it.each(cases)('%s', async (_, args, code, what) => {
    const outcome = await rxnas(args);
    expect(outcome.code, outcome.stderr).toBe(code);
    expect(outcome.stdout).toBe('');
    expectMessage(outcome, what);
  });

  it('says what was meant', async () => {
    expect((await rxnas(['pretrain', '--loss', 'TripletMargn'])).stderr).toContain(
      "did you mean 'TripletMargin'",
    );
    expect((await rxnas(['pretrain', '--stepps', '3'])).stderr).toContain("did you mean '--steps'");
    expect((await rxnas(['pretrian'])).stderr).toContain("did you mean 'pretrain'");
  });

  it('an output folder that holds something, or is a file', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'precious.txt'), 'keep me');
    const full = await pretrain(folder, '--steps', '1');
    expect(full.code).toBe(2);
    expectMessage(full, /not empty/);
    const file = await pretrain(join(folder, 'precious.txt'), '--steps', '1');
    expect(file.code).toBe(2);
    expect(readFileSync(join(folder, 'precious.txt'), 'utf8')).toBe('keep me');
  });

  it.skipIf(process.platform !== 'linux')('an output folder that cannot be made', async () => {
    for (const folder of ['/sys/rxnas-run', '/proc/rxnas-run']) {
      const outcome = await pretrain(folder, '--steps', '1');
      expect(outcome.code).toBe(1);
      expectMessage(outcome, /rxnas-run/);
    }
  });

  it('a controller that is empty, cut, foreign, or of another space', async () => {
    const folder = temporaryFolder();
    const run = join(folder, 'run');
    await pretrain(run, '--steps', '2');
    const name = readdirSync(join(run, 'checkpoints')).at(-1)!;
    const file = join(run, 'checkpoints', name);
    const search = (controller: string) => rxnas(['search', '--controller', controller, '--engine', 'simd']);
    const foreign = join(folder, 'foreign.ckpt');
    writeFileSync(foreign, 'this is no checkpoint, whatever its name says');
    const empty = join(folder, 'empty.ckpt');
    writeFileSync(empty, '');
    const otherSpace = await search(file);
    truncateSync(file, 1000);
    for (const outcome of [otherSpace, await search(file), await search(foreign), await search(empty)]) {
      expect(outcome.code, outcome.stderr).toBe(3);
      expectMessage(outcome, /./);
    }
    expect(otherSpace.stderr).toContain('nasbench201');
  });

  it('a table that is empty, cut or foreign', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'table.parquet');
    for (const content of [
      '',
      'PAR1',
      'not a table at all, but long enough to look at',
      'PAR1'.repeat(100),
    ]) {
      writeFileSync(file, content);
      const outcome = await rxnas(['benchmark', 'describe', `nasbench101:${file}`]);
      expect(outcome.code, outcome.stderr).toBe(3);
      expectMessage(outcome, /table\.parquet/);
    }
  });

  it('training that diverges: names the step, keeps what was written', async () => {
    const run = join(temporaryFolder(), 'run');
    const outcome = await pretrain(
      run,
      '--steps',
      '200',
      '--learning-rate',
      '1000',
      '--checkpoint-every',
      '1',
    );
    expect(outcome.code).toBe(1);
    expectMessage(outcome, /diverged at step (\d+).*; the last good checkpoint is .*\.ckpt, after step \d+/);
    expect(openRun(run).manifest.status).toBe('failed');
  });

  it('a run that another process is writing', async () => {
    const run = join(temporaryFolder(), 'run');
    let second: Promise<Outcome> | undefined;
    await rxnas(['pretrain', ...small, '--out', run, '--steps', '480', '--checkpoint-every', '10'], (child) =>
      atFirstCheckpoint(run, () => {
        second = rxnas(['pretrain', '--resume', run]);
        second.finally(() => child.kill('SIGINT'));
      }),
    );
    const refused = await second!;
    expect(refused.code, refused.stderr).not.toBe(0);
    expectMessage(refused, /run/);
  });
});
