import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { expect, it, vi } from 'vitest';
import { type EventRow, rowsOf } from '../../src/core/batch/index.js';
import { openRun } from '../../src/core/run/index.js';
import { verticesOf } from '../../src/core/space/nasbench101.js';
import { resumeSearch, searchJob } from '../../src/jobs/search.js';
import { writeIdxFolder } from '../support/imageFolders.js';
import { isAlive } from '../support/isAlive.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tfjsLoads } from '../support/tfjs.js';

const trainings = (cache: string) => {
  const [log] = readdirSync(cache, { encoding: 'utf8' }).filter((name) => name.endsWith('.log'));
  return log ? readFileSync(join(cache, log), 'utf8').trim().split('\n').filter(Boolean) : [];
};

/** Child processes of a process, on Linux. */
const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

const queries = (run: string) =>
  Array.from(openRun(run).records({ events: ['query'] }), ({ batch }) => [
    ...rowsOf(batch),
  ]).flat() as unknown as EventRow<'query'>[];

/** Seconds are measured: all else is the same in every run. */
const figures = (run: string) => queries(run).map(({ seconds, ...rest }) => rest);

it.skipIf(!tfjsLoads || process.platform !== 'linux')(
  'a search on cells of 6 and 7 vertices runs for real; killed, it goes on to the same rows and trains nothing twice',
  async () => {
    const folder = temporaryFolder();
    const data = writeIdxFolder(join(folder, 'data'), { training: 100, test: 40 });
    const settings = (cache: string) => ({
      benchmark: `live:idx:${data},cache=${join(folder, cache)},images=40,validation=20,test=20,batch=10,epochs=2,channels=8,stacks=2,workers=2`,
      searcher: 'random',
      perRound: 4,
      queries: 12,
    });
    const whole = join(folder, 'whole');
    const { status } = await searchJob(settings('a'), { out: whole, stop: NEVER });
    expect(status).toBe('done');
    const expected = figures(whole);
    expect(expected).toHaveLength(12);
    expect(expected.filter(({ cell }) => verticesOf(cell) >= 6).length).toBeGreaterThan(8);
    expect(expected.every(({ validation, regret }) => validation >= 0 && Number.isNaN(regret))).toBe(true);

    const killed = join(folder, 'killed');
    const flags = Object.entries({ ...settings('b'), out: killed }).flatMap(([name, value]) => [
      `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      String(value),
    ]);
    let workers: number[] = [];
    const { signal } = await rxnas(['search', ...flags], async (child) => {
      await vi.waitFor(() => expect(trainings(join(folder, 'b')).length).toBeGreaterThan(2), {
        timeout: 30_000,
        interval: 5,
      });
      workers = childrenOf(child.pid!);
      child.kill('SIGKILL');
    });
    expect(signal).toBe('SIGKILL');
    expect(workers).toHaveLength(2);
    await vi.waitFor(() => expect(workers.filter(isAlive)).toEqual([]), { timeout: 10_000 });

    await resumeSearch(killed, { stop: NEVER });
    expect(figures(killed)).toEqual(expected);
    expect(trainings(join(folder, 'b'))).toHaveLength(12);
  },
  120_000,
);
