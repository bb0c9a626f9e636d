import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEVER, Subject } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/core/batch/index.js';
import { isRun, openRun, readManifest } from '../../src/core/run/index.js';
import type { QueryRow } from '../../src/core/search/pool.js';
import type { Executor } from '../../src/core/work/executor.js';
import { type Entry, runEntry } from '../../src/jobs/entry.js';
import { resumeSweep, type SweepOptions, sweepJob } from '../../src/jobs/sweep.js';
import { resolveSweep } from '../../src/jobs/sweepSettings.js';
import { writeSyntheticTable } from '../support/syntheticTable.js';

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

/** In this process; answers come in another order than they were asked for. */
const here = (slots = 4): Executor<Entry, QueryRow[]> & { asked: Entry[] } => {
  const asked: Entry[] = [];
  return {
    asked,
    slots,
    async run(entry) {
      asked.push(entry);
      await new Promise((resolve) => setTimeout(resolve, ((entry.seed * 7) % 5) * 3));
      return runEntry(entry);
    },
    async close() {},
  };
};

const sweep = (name: string, over: Partial<SweepOptions> = {}, more = {}) =>
  sweepJob({ ...settings, ...more }, { out: join(folder, name), stop: NEVER, executor: here(), ...over });

const rows = (dir: string) =>
  [...openRun(dir).records({ events: ['result'] })].flatMap(({ batch }) => [...rowsOf(batch)]);

describe('sweep', () => {
  it('has the same rows and summary in this process, in others, and whatever runs at once', async () => {
    const one = await sweep('one', { executor: here(1) });
    const many = await sweep('many', { executor: here(5) });
    const processes = await sweepJob(settings, {
      out: join(folder, 'processes'),
      stop: NEVER,
      workers: 2,
    });
    expect(rows(many.dir)).toEqual(rows(one.dir));
    expect(rows(processes.dir)).toEqual(rows(one.dir));
    for (const result of [many, processes]) expect({ ...result, dir: '' }).toEqual({ ...one, dir: '' });
    expect(readdirSync(one.dir)).toContain('results-000.parquet');
  });

  it('has a row for each query, with searcher, seed and protocol, and summarises them', async () => {
    const { dir, searchers, baseline, status } = await sweep('summary');
    expect(status).toBe('done');
    const all = rows(dir) as Record<string, unknown>[];
    expect(all).toHaveLength(3 * 4 * 30);
    expect(new Set(all.map(({ searcher, seed }) => `${searcher} ${seed}`)).size).toBe(12);
    expect(new Set(all.map(({ protocol }) => protocol))).toEqual(new Set(['V']));
    expect(searchers.map(({ searcher, seeds, queries }) => [searcher, seeds, queries])).toEqual(
      ['random', 'evolution', 'local'].map((name) => [name, 4, 30]),
    );
    const best = searchers.reduce((a, b) => (b.test.mean > a.test.mean ? b : a));
    expect(baseline).toBe(best.searcher);
    for (const each of searchers) {
      expect(each.test.low).toBeLessThanOrEqual(each.test.mean);
      expect(each.test.high).toBeGreaterThanOrEqual(each.test.mean);
      expect(each.p === undefined).toBe(each === best);
    }
    expect(readManifest(dir)).toMatchObject({ kind: 'sweep', summary: { protocol: 'V', baseline } });
  });

  it('goes on where it was stopped: finished searches are not made again', async () => {
    const whole = await sweep('whole');
    const stop = new Subject<void>();
    let seen = 0;
    const stopped = await sweep('stopped', { stop, onRow: () => ++seen === 5 && stop.next() });
    expect(stopped.status).toBe('interrupted');
    const kept = rows(stopped.dir).length / 30;
    expect(kept).toBeGreaterThanOrEqual(5);
    expect(kept).toBeLessThan(12);

    const executor = here();
    const resumed = await resumeSweep(stopped.dir, { stop: NEVER, executor });
    expect(executor.asked).toHaveLength(12 - kept);
    expect(rows(stopped.dir)).toEqual(rows(whole.dir));
    expect({ ...resumed, dir: '' }).toEqual({ ...whole, dir: '' });
  });

  it('fails with the error of a search, keeping what was finished', async () => {
    const executor = here(1);
    let left = 3;
    const run = executor.run;
    executor.run = async (entry) => {
      if (left-- === 0) throw new Error('the machine is gone');
      return run(entry);
    };
    await expect(sweep('failed', { executor })).rejects.toThrow('the machine is gone');
    const dir = join(folder, 'failed');
    expect(readManifest(dir).status).toBe('failed');
    expect(rows(dir)).toHaveLength(3 * 30);
    const resumed = await resumeSweep(dir, { stop: NEVER, executor: here() });
    expect(resumed.searchers.map(({ seeds }) => seeds)).toEqual([4, 4, 4]);
  });

  it('refuses what makes no sense before anything is written', async () => {
    const refused = (more: object, message: RegExp) =>
      expect(sweep('refused', {}, more)).rejects.toThrow(
        expect.objectContaining({ message: expect.stringMatching(message), exitCode: 2 }),
      );
    await refused({ searchers: ['random', 'random'] }, /named twice/);
    await refused({ searchers: ['random', 'locl'], searcherParams: {} }, /unknown searcher 'locl'/);
    await refused({ searcherParams: { nao: {} } }, /unknown searcher of a parameter 'nao'/);
    await refused(
      { searcherParams: { local: { populaton: 3 } } },
      /searcher local has no parameter 'populaton'/,
    );
    await refused({ seeds: 0 }, /seeds is 0/);
    expect(isRun(join(folder, 'refused'))).toBe(false);
  });

  it('its settings, once completed, stay as they are', () => {
    const resolved = resolveSweep(settings);
    expect(resolved.searcherParams).toMatchObject({
      evolution: { population: 12, sample: 10 },
      local: { initial: 10 },
    });
    expect(resolveSweep(resolved)).toEqual(resolved);
  });
});
