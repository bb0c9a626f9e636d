import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checkpointFiles, readManifest } from '../../../src/core/run/index.js';
import { runDigest } from '../../support/runDigest.js';
import { rxnas } from '../../support/rxnas.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { smallSweep } from './support.js';

const names = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const figuresOf = ({ stdout }: { stdout: string }) => ({ ...JSON.parse(stdout), dir: '' });

/** Moments of a sweep, by what lies in its folder. */
const moments: Record<string, (out: string) => boolean> = {
  'in the middle of a pretraining': (out) =>
    checkpointFiles(join(out, 'pretrain-TripletMargin-1')).length > 0,
  'when a pretraining is done': (out) =>
    names(join(out, 'pretrain-TripletMargin-1')).includes('metrics-000.parquet'),
  'when a search is finished': (out) =>
    checkpointFiles(out).length > 0 || names(join(out, 'waiting')).length > 0,
};

describe('a sweep that is killed (-9) and begun again', () => {
  let folder: string;
  let file: string;
  let figures: unknown;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rxnas-test-'));
    file = join(folder, 'small.yaml');
    writeFileSync(file, stringify(smallSweep({ 'rounds.most': 2 })));
    const whole = await rxnas(['sweep', file, '--out', join(folder, 'whole'), '--quiet', '--json']);
    expect(whole.code).toBe(0);
    figures = figuresOf(whole);
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (const [moment, hasCome] of Object.entries(moments)) {
    it(`${moment}: has the bytes that it would have had`, async () => {
      const out = join(temporaryFolder(), 'sweep');
      const killed = await rxnas(['sweep', file, '--out', out, '--workers', '2'], (child) => {
        const timer = setInterval(() => hasCome(out) && child.kill('SIGKILL'), 5);
        child.once('exit', () => clearInterval(timer));
      });
      expect(killed.signal).toBe('SIGKILL');
      const again = await rxnas(['sweep', file, '--out', out, '--workers', '1', '--json']);
      expect(again.stderr).toContain('holds a run of these settings that was stopped; going on with it');
      expect(again.code, again.stderr).toBe(0);
      expect(runDigest(out)).toEqual(runDigest(join(folder, 'whole')));
      for (const name of names(out).filter((each) => each.startsWith('pretrain-'))) {
        expect(readManifest(join(out, name)).status).toBe('done');
        expect(runDigest(join(out, name)).weights).toBe(runDigest(join(folder, 'whole', name)).weights);
      }
      expect(figuresOf(again)).toEqual(figures);
    }, 180_000);
  }
});
