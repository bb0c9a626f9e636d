import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figure, fullSize } from '../support/figure.js';
import { runDigest } from '../support/runDigest.js';
import { type Outcome, rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { canMount, remount, tinyDisk } from '../support/tinyDisk.js';

/** The real command on disks that fail: it says so in one message, and goes on to the same bits when they work again. */
const job = [
  ...['pretrain', '--space', 'nasbench201', '--batch', '16', '--steps', '40', '--checkpoint-every', '10'],
  ...['--embed', '8', '--engine', 'simd', '--threads', '1', '--quiet'],
];

const folder = mkdtempSync(join(tmpdir(), 'rxnas-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const whole = join(folder, 'whole');
let digest: ReturnType<typeof runDigest>;
beforeAll(async () => {
  expect((await rxnas([...job, '--out', whole])).code).toBe(0);
  digest = runDigest(whole);
});

/** Exit code 1, and two lines on stderr: what, and what to do. */
function expectRefusal({ code, stderr, stdout }: Outcome, message: RegExp): void {
  expect([code, stdout], stderr).toEqual([1, '']);
  const lines = stderr.trim().split('\n');
  expect(lines, stderr).toHaveLength(2);
  expect(lines[0]).toMatch(message);
}

/** The same command again ends with the bits of the run that was never stopped. */
async function expectSameBits(out: string): Promise<void> {
  const { code, stderr } = await rxnas([...job, '--out', out]);
  expect(code, stderr).toBe(0);
  expect(runDigest(out)).toEqual(digest);
  expect(readdirSync(out).filter((name) => name.startsWith('.tmp'))).toEqual([]);
}

/** The library that makes a change to a file fail; undefined where there is no compiler for it. */
const failingDisk = (() => {
  try {
    const library = join(folder, 'failingDisk.so');
    const source = fileURLToPath(new URL('./failingDisk.c', import.meta.url));
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], { stdio: 'ignore' });
    return library;
  } catch {
    return undefined;
  }
})();

describe.skipIf(!failingDisk)('figure 11: each change of a file fails once', () => {
  const errors = { EIO: 5, ENOSPC: 28 };
  const faulty = (out: string, at: number, errno: number, more = {}) =>
    rxnas([...job, '--out', out], undefined, {
      LD_PRELOAD: failingDisk,
      FAULT_DIR: out,
      FAULT_AT: String(at),
      FAULT_ERRNO: String(errno),
      ...more,
    });

  it.each(Object.entries(errors))(
    '%s: one message, and the same bits afterwards',
    async (name, errno) => {
      const count = join(temporaryFolder(), 'count');
      expect((await faulty(join(temporaryFolder(), 'run'), 0, errno, { FAULT_COUNT: count })).code).toBe(0);
      const changes = Number(readFileSync(count, 'utf8'));
      expect(changes).toBeGreaterThan(40);
      const step = fullSize ? 1 : Math.ceil(changes / 2);
      let failed = 0;
      for (let at = fullSize ? 1 : name === 'EIO' ? 24 : 57; at <= changes; at += step) {
        const out = join(temporaryFolder(), 'run');
        // Of two disks, one works again after the error.
        const outcome = await faulty(out, at, errno, at % 2 === 0 ? { FAULT_STAYS: '1' } : {});
        expectRefusal(outcome, name === 'EIO' ? /I\/O error \(EIO\) at/ : /the disk is full: cannot write/);
        await expectSameBits(out);
        failed++;
      }
      figure(
        11,
        `${name} at ${failed} of ${changes} changes to files: one message, exit code 1, same bits when resumed`,
      );
    },
    3_600_000,
  );
});

describe.skipIf(!canMount)('figure 11: the command', () => {
  it('on a disk that is full, then larger: one message, and the same bits', async () => {
    const sizes = fullSize ? Array.from({ length: 20 }, (_, i) => 20 + 20 * i) : [120];
    let full = 0;
    for (const size of sizes) {
      const disk = tinyDisk(size);
      const out = join(disk, 'run');
      const outcome = await rxnas([...job, '--out', out]);
      if (outcome.code !== 0) {
        expectRefusal(outcome, /the disk is full: cannot write/);
        full++;
      }
      remount(disk, 'size=10m');
      await expectSameBits(out);
    }
    expect(full).toBeGreaterThan(0);
    figure(
      11,
      `disk full on ${full} of ${sizes.length} small disks: one message, exit code 1, same bits when resumed`,
    );
  }, 600_000);

  it('in a read-only folder: what writes is refused, what reads goes on', async () => {
    const disk = tinyDisk(20_000);
    const out = join(disk, 'run');
    cpSync(whole, out, { recursive: true });
    remount(disk, 'ro');
    const readOnly = /no permission to write .* \(EROFS\)/;
    expectRefusal(await rxnas([...job, '--out', join(disk, 'new')]), readOnly);
    const some = <T>(list: T[]) => (fullSize ? list : list.slice(0, 1));
    const writers = some([
      ['runs', 'rm', out],
      ['runs', 'rebuild', out],
      ['runs', 'note', out, 'x'],
      ['runs', 'tag', out, 'x'],
      ['runs', 'pack', out, join(disk, 'run.tar')],
    ]);
    for (const command of writers) expectRefusal(await rxnas(command), readOnly);
    const readers = some([
      ['runs', 'show', out],
      ['runs', '--root', disk],
      ['replay', out],
      [...job, '--out', out],
    ]);
    for (const command of readers) {
      const { code, stderr } = await rxnas(command);
      expect([code, stderr], command.join(' ')).toEqual([0, '']);
    }
    expect(runDigest(out)).toEqual(digest);
    figure(
      11,
      `read-only folder: ${1 + writers.length} commands that write refused, ${readers.length} that read work`,
    );
  }, 120_000);
});

it('figure 11: of two processes on one run the second is refused, the first is not disturbed', async () => {
  const count = fullSize ? 20 : 1;
  for (let k = 0; k < count; k++) {
    const out = join(temporaryFolder(), 'run');
    let second: Promise<Outcome> | undefined;
    const first = await rxnas([...job, '--out', out], (child) => {
      const timer = setInterval(() => {
        if (!existsSync(join(out, 'manifest.json'))) return;
        clearInterval(timer);
        child.kill('SIGSTOP'); // until the second one has tried
        second = rxnas([...job, '--out', out]).finally(() => child.kill('SIGCONT'));
      }, 2);
      child.once('exit', () => clearInterval(timer));
    });
    expectRefusal((await second)!, /^rxnas: the run is in use by process \d+$/);
    expect(first.code, first.stderr).toBe(0);
    expect(runDigest(out)).toEqual(digest);
  }
  figure(11, `two processes on one run, ${count} times: the second refused, the first equal to the bit`);
}, 600_000);
