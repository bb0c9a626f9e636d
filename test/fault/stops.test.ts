import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stream } from '../../src/core/random/random.js';
import { checkpointFiles } from '../../src/core/run/index.js';
import { figure, fullSize } from '../support/figure.js';
import { runDigest } from '../support/runDigest.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const kills = Number(process.env.RXNAS_KILLS ?? (fullSize ? 100 : 1));

/** Real jobs of the built command, small enough to be run a hundred times. */
const engine = ['--engine', 'simd', '--threads', '1', '--quiet'];
const jobs = {
  pretrain: [
    ...['pretrain', '--space', 'nasbench201', '--batch', '32', '--steps', '120', '--checkpoint-every', '20'],
    ...['--embed', '50', ...engine],
  ],
  search: [
    ...['search', '--queries', '60', '--initial', '20', '--per-round', '10', '--epochs', '10'],
    ...['--seed', '3', ...engine],
  ],
} as const;

/** Calls `then` when the file is there. */
function whenThere(file: string, then: () => void): void {
  const timer = setInterval(() => {
    if (!existsSync(file)) return;
    clearInterval(timer);
    then();
  }, 5);
  setTimeout(() => clearInterval(timer), 60_000).unref();
}

describe.each(Object.entries(jobs))('%s', (name, args) => {
  const folder = mkdtempSync(join(tmpdir(), 'rxnas-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let digest: ReturnType<typeof runDigest>;
  /** Milliseconds from the first file of the run to the end of the command. */
  let whole: number;
  beforeAll(async () => {
    const out = join(folder, 'whole');
    let start = 0;
    const { code } = await rxnas([...args, '--out', out], () =>
      whenThere(out, () => {
        start = performance.now();
      }),
    );
    expect(code).toBe(0);
    whole = performance.now() - start;
    digest = runDigest(out);
  });

  const again = async (out: string) => {
    const { code, stderr } = await rxnas([...args, '--out', out]);
    expect(code, stderr).toBe(0);
    expect(runDigest(out)).toEqual(digest);
  };

  it('figure 1: kill -9 at random instants, then the same command again: equal to the bit', async () => {
    const random = stream(31, 'kills', name);
    const found = { 'no run yet': 0, 'no checkpoint yet': 0, 'a checkpoint': 0 };
    let killed = 0;
    for (let tries = 0; killed < kills && tries < Math.max(20, 3 * kills); tries++) {
      const out = join(temporaryFolder(), 'run');
      const at = random.float() * whole;
      const { signal } = await rxnas([...args, '--out', out], (child) =>
        whenThere(out, () => setTimeout(() => child.kill('SIGKILL'), at)),
      );
      if (signal !== 'SIGKILL') continue; // it was done before
      killed++;
      if (!existsSync(join(out, 'manifest.json'))) found['no run yet']++;
      else found[checkpointFiles(out).length > 0 ? 'a checkpoint' : 'no checkpoint yet']++;
      await again(out);
    }
    expect(killed).toBe(kills);
    const places = Object.entries(found).map(([what, count]) => `${what} ${count}`);
    figure(1, `${name}: ${killed} of ${kills} kills equal to the bit (there was ${places.join(', ')})`);
  }, 7_200_000);

  it('figure 1: kill -9 before the first checkpoint: it begins anew, equal to the bit', async () => {
    const out = join(temporaryFolder(), 'run');
    const { signal } = await rxnas([...args, '--out', out], (child) =>
      whenThere(join(out, 'manifest.json'), () => child.kill('SIGKILL')),
    );
    expect(signal).toBe('SIGKILL');
    expect(checkpointFiles(out)).toEqual([]);
    await again(out);
  });

  it('figure 9: SIGINT and SIGTERM at random moments: exit 130, resumable', async () => {
    const random = stream(32, 'signals', name);
    const seconds: number[] = [];
    for (let tries = 0; seconds.length < kills && tries < Math.max(20, 3 * kills); tries++) {
      const out = join(temporaryFolder(), 'run');
      let sent = 0;
      const outcome = await rxnas([...args, '--out', out], (child) => {
        whenThere(join(out, 'manifest.json'), () =>
          setTimeout(() => {
            sent = performance.now();
            child.kill(tries % 2 === 0 ? 'SIGINT' : 'SIGTERM');
          }, random.float() * whole),
        );
      });
      if (outcome.code !== 130) {
        // It was done before; a signal that comes while the process is taken down finds nobody who listens.
        expect(outcome.code ?? 0, outcome.stderr).toBe(0);
        expect(runDigest(out)).toEqual(digest);
        continue;
      }
      seconds.push((performance.now() - sent) / 1000);
      await again(out);
    }
    seconds.sort((a, b) => a - b);
    const p99 = seconds[Math.ceil(0.99 * seconds.length) - 1] ?? 0;
    figure(
      9,
      `${name}: ${seconds.length} of ${kills} signals: exit 130 and resumed equal to the bit, 99th percentile ${p99.toFixed(2)} s`,
    );
    expect(seconds.length).toBe(kills);
    expect(p99).toBeLessThan(2);
  }, 7_200_000);
});

it('figure 9: a second signal ends at once', async () => {
  const long = ['pretrain', '--space', 'nasbench201', '--batch', '512', '--steps', '480', ...engine];
  const milliseconds: number[] = [];
  const count = fullSize ? 20 : 1;
  for (let k = 0; k < count; k++) {
    const out = join(temporaryFolder(), 'run');
    const signal = k % 2 === 0 ? 'SIGINT' : 'SIGTERM';
    let sent = 0;
    const { code } = await rxnas([...long, '--out', out], (child) =>
      whenThere(join(out, 'manifest.json'), () => {
        child.kill(signal);
        // Later than what is taken for the same key press.
        setTimeout(() => {
          sent = performance.now();
          child.kill(signal);
        }, 310);
      }),
    );
    expect(code).toBe(130);
    if (sent > 0) milliseconds.push(performance.now() - sent);
  }
  figure(
    9,
    `a second signal, ${milliseconds.length} of ${count} times while it stopped: ended after ${Math.max(0, ...milliseconds).toFixed(0)} ms at most`,
  );
  for (const each of milliseconds) expect(each).toBeLessThan(2000);
}, 600_000);
