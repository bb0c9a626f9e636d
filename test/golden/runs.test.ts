import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastValueFrom, NEVER, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exportTable, openRun, rebuildTables } from '../../src/core/run/index.js';
import { crossEngineTolerance, type Verification, verifyRun } from '../../src/jobs/verify.js';
import { replay } from '../../src/operators/replay.js';
import { loadableEngines } from '../support/engines.js';
import { figure } from '../support/figure.js';

/**
 * Runs of released versions, logged by `simd` on one thread. Later versions have to read, export, replay and compute them again. Never changed;
 * a new version of the log adds its own.
 */
const folder = fileURLToPath(new URL('./runs/', import.meta.url));
const runs = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const countOf = ({ compared }: Verification) => Object.values(compared).reduce((sum, rows) => sum + rows, 0);

function copyOf(name: string): string {
  const temporary = mkdtempSync(join(tmpdir(), 'rxnas-test-'));
  onTestFinished(() => rmSync(temporary, { recursive: true, force: true }));
  cpSync(join(folder, name), join(temporary, name), { recursive: true });
  return join(temporary, name);
}

it('are there', () => expect(runs).toEqual(['pretrain-1', 'search-1']));

describe.each(runs)('figure 3: golden run %s', (name) => {
  const { manifest } = openRun(join(folder, name));
  const expected = manifest.log!.rows;

  it('is read and replayed: all rows of its manifest', async () => {
    const records = await lastValueFrom(replay({ run: join(folder, name) }).pipe(toArray()));
    const counts: Record<string, number> = {};
    for (const { event, batch } of records) counts[event] = (counts[event] ?? 0) + batch.numRows;
    expect(counts).toEqual(expected);
  });

  it('is exported, and its tables are rebuilt', async () => {
    const dir = copyOf(name);
    const rows = await rebuildTables(dir);
    expect(rows.metrics).toBe(expected.step ?? expected.train);
    expect(rows.embeddings).toBe(expected.embedding);
    const out = join(dir, 'metrics.csv');
    expect((await exportTable(dir, 'metrics', 'csv', out)).rows).toBe(rows.metrics);
  });

  it('is computed again to the bit', async () => {
    const result = await verifyRun(join(folder, name), { stop: NEVER });
    expect(result).toMatchObject({ status: 'equal', engine: 'simd', tolerance: 0 });
    figure(3, `golden run ${name}: ${countOf(result)} rows computed anew, 0 differ`);
  });
});

describe('figure 3: across engines', () => {
  const run = join(folder, 'pretrain-1');

  it.skipIf(!loadableEngines.some(([name]) => name === 'tfjs'))(
    'a run of simd is computed by tfjs within the tolerance, not to the bit',
    async () => {
      const result = await verifyRun(run, { engine: 'tfjs', stop: NEVER });
      expect(result).toMatchObject({ status: 'equal', engine: 'tfjs', tolerance: crossEngineTolerance });
      expect(result.largestDeviation).toBeGreaterThan(0);
      figure(
        3,
        `golden run pretrain-1 on tfjs: ${countOf(result)} rows within ${crossEngineTolerance}, largest deviation ${result.largestDeviation.toExponential(1)}`,
      );
      const strict = await verifyRun(run, { engine: 'tfjs', tolerance: 0, stop: NEVER });
      expect(strict).toMatchObject({ status: 'diverged', difference: { event: 'step', row: 0 } });
    },
  );
});
