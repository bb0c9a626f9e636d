import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stream } from '../../src/core/random/random.js';
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
  /** Milliseconds of the whole command. */
  let whole: number;
  beforeAll(async () => {
    const out = join(folder, 'whole');
    const start = performance.now();
    expect((await rxnas([...args, '--out', out])).code).toBe(0);
    whole = performance.now() - start;
    digest = runDigest(out);
  });

  it('figure 1: kill -9 at random instants, then the same command again: equal to the bit', async () => {
    const random = stream(31, 'kills', name);
    let resumed = 0;
    let equal = 0;
    for (let k = 0; k < kills; k++) {
      const out = join(temporaryFolder(), 'run');
      const at = random.float() * whole;
      await rxnas([...args, '--out', out], (child) => setTimeout(() => child.kill('SIGKILL'), at));
      if (existsSync(join(out, 'manifest.json'))) resumed++;
      const again = await rxnas([...args, '--out', out]);
      expect(again.code, again.stderr).toBe(0);
      expect(runDigest(out)).toEqual(digest);
      equal++;
    }
    expect(equal).toBe(kills);
    figure(1, `${name}: ${equal} of ${kills} kills equal (${resumed} after the run had begun)`);
  }, 7_200_000);

  it('figure 9: SIGINT and SIGTERM at random moments: exit 130, resumable', async () => {
    const random = stream(32, 'signals', name);
    const seconds: number[] = [];
    for (let k = 0; k < kills; k++) {
      const out = join(temporaryFolder(), 'run');
      let sent = 0;
      const outcome = await rxnas([...args, '--out', out], (child) => {
        whenThere(join(out, 'manifest.json'), () =>
          setTimeout(
            () => {
              sent = performance.now();
              child.kill(k % 2 === 0 ? 'SIGINT' : 'SIGTERM');
            },
            random.float() * whole * 0.7,
          ),
        );
      });
      if (outcome.code === 130) seconds.push((performance.now() - sent) / 1000);
      else expect(outcome.code, outcome.stderr).toBe(0); // it was done before
      const again = await rxnas([...args, '--out', out]);
      expect(again.code, again.stderr).toBe(0);
      expect(runDigest(out)).toEqual(digest);
    }
    seconds.sort((a, b) => a - b);
    const p99 = seconds[Math.ceil(0.99 * seconds.length) - 1] ?? 0;
    figure(
      9,
      `${name}: ${seconds.length} of ${kills} signals while it ran: all exit 130 and resumed equal, 99th percentile ${p99.toFixed(2)} s`,
    );
    expect(p99).toBeLessThan(2);
  }, 7_200_000);
});

it('figure 9: a second signal ends at once', async () => {
  const out = join(temporaryFolder(), 'run');
  let sent = 0;
  const long = ['pretrain', '--space', 'nasbench201', '--batch', '32', '--steps', '480', ...engine];
  const outcome = await rxnas([...long, '--out', out], (child) =>
    whenThere(join(out, 'manifest.json'), () => {
      child.kill('SIGINT');
      setTimeout(() => {
        sent = performance.now();
        child.kill('SIGINT');
      }, 350);
    }),
  );
  expect(outcome.code).toBe(130);
  if (sent > 0) expect(performance.now() - sent).toBeLessThan(1000);
});
