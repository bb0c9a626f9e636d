import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEVER, Subject } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRun, readManifest } from '../../../src/core/run/index.js';
import { comparison } from '../../../src/jobs/settings.js';
import { resumeSweep, type SweepOptions, sweepJob } from '../../../src/jobs/sweep/job.js';
import { readSweep, resolvedSweep } from '../../../src/pipelines/fromSpec/sweep.js';
import { writeSyntheticTable } from '../../support/syntheticTable.js';
import { here, resultRows } from './support.js';

let folder: string;
let settings: Record<string, unknown>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rxnas-test-'));
  const table = join(folder, 'table.parquet');
  await writeSyntheticTable(table, 7);
  settings = {
    ...{ benchmark: `nasbench201:${table}`, searchers: ['random', 'evolution', 'local'] },
    ...{ seeds: 4, seed: 5, queries: 30, searcherParams: { evolution: { population: 12 } } },
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sweep = async (name: string, over: Partial<SweepOptions> = {}, more = {}) =>
  sweepJob(await comparison({ ...settings, ...more }), {
    ...{ out: join(folder, name), stop: NEVER, executor: here() },
    ...over,
  });

describe('a sweep of searchers', () => {
  it('has the same rows and summary in this process, in others, and whatever runs at once', async () => {
    const one = await sweep('one', { executor: here({ slots: 1 }) });
    const many = await sweep('many', { executor: here({ slots: 5 }) });
    const processes = await sweepJob(await comparison(settings), {
      ...{ out: join(folder, 'processes'), stop: NEVER, workers: 2 },
    });
    expect(resultRows(many.dir)).toEqual(resultRows(one.dir));
    expect(resultRows(processes.dir)).toEqual(resultRows(one.dir));
    for (const result of [many, processes]) expect({ ...result, dir: '' }).toEqual({ ...one, dir: '' });
    expect(readdirSync(one.dir)).toEqual(
      expect.arrayContaining(['results-000.parquet', 'summaries-000.parquet']),
    );
    expect(readdirSync(many.dir)).not.toContain('waiting');
  });

  it('has a row for each query, with variant, seed and protocol, and tests against the best baseline', async () => {
    const { dir, summary, status } = await sweep('summary');
    expect(status).toBe('done');
    const all = resultRows(dir);
    expect(all).toHaveLength(3 * 4 * 30);
    expect(new Set(all.map(({ variant, seed }) => `${variant} ${seed}`)).size).toBe(12);
    expect(new Set(all.map(({ protocol }) => protocol))).toEqual(new Set(['V']));
    expect(summary.map(({ variant, searches, queries_made }) => [variant, searches, queries_made])).toEqual(
      ['random', 'evolution', 'local'].map((name) => [name, 4, 30]),
    );
    const best = summary.reduce((a, b) => (b.test > a.test ? b : a));
    for (const each of summary) {
      expect(each.against).toBe(each === best ? '' : best.variant);
      expect(Number.isNaN(each.test_p)).toBe(each === best);
    }
    expect(readManifest(dir)).toMatchObject({
      kind: 'sweep',
      summary: { protocol: 'V', against: best.variant },
    });
  });

  it('goes on where it was stopped: finished searches are not made again', async () => {
    const whole = await sweep('whole');
    const stop = new Subject<void>();
    let seen = 0;
    const stopped = await sweep('stopped', { stop, onRow: () => ++seen === 5 && stop.next() });
    expect(stopped.status).toBe('interrupted');
    const kept = stopped.progress.searches.done;
    expect(kept).toBeGreaterThanOrEqual(5);
    expect(kept).toBeLessThan(12);

    const executor = here();
    const resumed = await resumeSweep(stopped.dir, { stop: NEVER, executor });
    expect(executor.asked).toHaveLength(12 - kept);
    expect(resultRows(stopped.dir)).toEqual(resultRows(whole.dir));
    expect({ ...resumed, dir: '' }).toEqual({ ...whole, dir: '' });
  });

  it('ends with a fault of the program, keeping what was finished', async () => {
    const executor = here({ slots: 1 });
    let left = 3;
    const { run } = executor;
    executor.run = async (unit) => {
      if (left-- === 0) throw new Error('the machine is gone');
      return run(unit);
    };
    await expect(sweep('failed', { executor })).rejects.toThrow('the machine is gone');
    const dir = join(folder, 'failed');
    expect(readManifest(dir).status).toBe('failed');
    expect(resultRows(dir)).toHaveLength(3 * 30);
    const resumed = await resumeSweep(dir, { stop: NEVER, executor: here() });
    expect(resumed.summary.map(({ searches }) => searches)).toEqual([4, 4, 4]);
  });

  it('refuses what makes no sense before anything is written', async () => {
    const refused = (more: object, message: RegExp) =>
      expect(sweep('refused', {}, more)).rejects.toThrow(
        expect.objectContaining({ message: expect.stringMatching(message), exitCode: 2 }),
      );
    await refused({ searchers: ['random', 'random'] }, /named twice/);
    await refused({ searchers: ['random', 'locl'], searcherParams: {} }, /unknown searcher 'locl'/);
    await refused({ searcherParams: { nao: {} } }, /unknown searcher of a parameter 'nao'/);
    await refused({ searcherParams: { local: { populaton: 3 } } }, /local has no field 'populaton'/);
    await refused({ seeds: 0 }, /seeds is 0/);
    expect(isRun(join(folder, 'refused'))).toBe(false);
  });

  it('as plain data is a sweep that means the same', async () => {
    const resolved = resolvedSweep(await comparison(settings));
    expect(resolvedSweep(await readSweep(resolved))).toEqual(resolved);
  });
});
