import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/core/batch/index.js';
import { nasbench101Controller as config } from '../../src/core/controller/config.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import { RxnasError } from '../../src/core/errors.js';
import {
  createRun,
  exportTable,
  openRun,
  type Run,
  resumeRun,
  storageError,
} from '../../src/core/run/index.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { canMount, tinyDisk } from '../support/tinyDisk.js';

const create = (root: string) => createRun({ kind: 'fault', root, spec: { a: 1 }, seed: 1 });
const row = (n: number) => ({ code: 'x', message: `${n} ${'m'.repeat(200)}`, step: n });

function fill(disk: string): string {
  const ballast = join(disk, 'ballast');
  for (let size = 2 ** 20; size >= 1; size >>= 1) {
    try {
      for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // not so much
    }
  }
  return ballast;
}

const checkpoint = (run: Run, step: number) =>
  run.checkpoint({
    space: 'nasbench101',
    controller: { config, weights: initialWeights(config, step) },
    position: { step, epoch: 0, round: 0 },
  });

async function refusal(work: () => unknown): Promise<RxnasError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(RxnasError);
    return error as RxnasError;
  }
  throw new Error('it was not refused');
}

describe.skipIf(!canMount)('figure 11: a full disk', () => {
  it('ends the log at its last whole record; the run goes on when there is space', async () => {
    const disk = tinyDisk(512);
    const run = await create(disk);
    for (let n = 0; n < 100; n++) run.append('warning', row(n));
    await checkpoint(run, 100);
    const ballast = fill(disk);
    const error = await refusal(() => {
      for (let n = 100; n < 10_000; n++) run.append('warning', row(n));
    });
    expect(error.exitCode).toBe(1);
    expect(error.message).toBe(`the disk is full: cannot write ${join(run.dir, 'events.log')}`);
    expect((await refusal(() => run.append('warning', row(0)))).message).toBe(error.message);
    expect((await refusal(() => run.finish('failed'))).message).toBe(error.message);
    expect(existsSync(join(run.dir, 'run.lock'))).toBe(false);
    const torn: unknown[] = [];
    const rows = [...openRun(run.dir).records({ onTorn: (damage) => torn.push(damage) })];
    expect(torn).toEqual([]);
    expect(
      rows.flatMap(({ batch, event }) => (event === 'warning' ? [...rowsOf(batch)] : [])).length,
    ).toBeGreaterThanOrEqual(100);

    rmSync(ballast);
    const resumed = await resumeRun(run.dir);
    expect(resumed.checkpoint?.position.step).toBe(100);
    for (let n = 100; n < 200; n++) resumed.run.append('warning', row(n));
    await resumed.run.finish('done');
  });

  it('leaves the checkpoint and manifest before', async () => {
    const disk = tinyDisk(512);
    const run = await create(disk);
    await checkpoint(run, 1);
    const manifest = readFileSync(join(run.dir, 'manifest.json'));
    fill(disk);
    expect((await refusal(() => checkpoint(run, 2))).message).toMatch(/^the disk is full: cannot write/);
    expect((await refusal(() => run.update({ note: 'x'.repeat(10_000) }))).message).toMatch(
      /^the disk is full/,
    );
    run.close();
    expect(readFileSync(join(run.dir, 'manifest.json'))).toEqual(manifest);
    expect(readdirSync(run.dir).filter((name) => name.startsWith('.tmp'))).toEqual([]);
    rmSync(join(disk, 'ballast'));
    expect((await resumeRun(run.dir)).checkpoint?.position.step).toBe(1);
  });

  it('makes no half run, and no half table', async () => {
    const disk = tinyDisk(2048);
    const run = await create(temporaryFolder());
    for (let n = 0; n < 2000; n++)
      run.append('proposal', { round: 0, step: n, decoded: 1, valid: 1, fresh: 1 });
    for (let n = 0; n < 2000; n++) {
      run.append('train', {
        round: 0,
        epoch: n,
        total: n,
        mse: n,
        reconstruction: n,
        gradient_norm: n,
        learning_rate: n,
      });
    }
    await run.finish('done');
    for (const format of ['parquet', 'arrow', 'csv'] as const) {
      const out = join(disk, `metrics.${format}`);
      await exportTable(run.dir, 'metrics', format, out);
      const before = readFileSync(out);
      const ballast = fill(disk);
      expect((await refusal(() => exportTable(run.dir, 'metrics', format, out))).message).toBe(
        `the disk is full: cannot write ${out}`,
      );
      expect(readFileSync(out)).toEqual(before);
      expect(readdirSync(disk).filter((name) => name.startsWith('.tmp'))).toEqual([]);
      if (format === 'parquet') {
        const error = await refusal(() => create(join(disk, 'runs')));
        expect([error.exitCode, error.message]).toEqual([1, expect.stringContaining('the disk is full')]);
        expect(existsSync(join(disk, 'runs')) ? readdirSync(join(disk, 'runs')) : []).toEqual([]);
      }
      rmSync(ballast);
    }
  });
});

it('figure 11: errors of the file system become one message with what to do', () => {
  const errno = (code: string) => Object.assign(new Error(code), { code, syscall: 'write' });
  const text = (code: string) => (storageError(errno(code), '/x') as RxnasError).message;
  expect(text('EIO')).toBe('the disk reports an I/O error (EIO) at /x');
  expect(text('EDQUOT')).toBe('the disk is full: cannot write /x');
  expect(text('EROFS')).toBe('no permission to write /x (EROFS)');
  expect(text('EMFILE')).toBe('cannot access /x (EMFILE)');
  const ours = new TypeError('a bug of ours');
  expect(storageError(ours, '/x')).toBe(ours);
});
