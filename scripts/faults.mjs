/**
 * `npm run faults`: the fault tests at full size; `npm run faults -- 1 9` those of some figures of docs/runs.md, `-- nats` is 13, `-- network`
 * 14. Prints what was counted for each. `RXNAS_KILLS` is how often figures 1, 4 and 9 kill a process (100).
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reporting } from './setup/say.mjs';
import { setup } from './setup.mjs';

const faults = [
  'kill -9 at random instants, then the same command',
  'log cut at every byte of its last record, bits flipped',
  'an operator changed, logs of earlier versions',
  'kill -9 while Parquet is written',
  '64 producers into each sink',
  'NaN, ±Inf, −0, subnormals, 2^53+1, nothing, all null',
  'source faster than its consumer, consumer paused',
  '10,000 steps, an error in each operator, unsubscribed at each event',
  'SIGINT and SIGTERM at random moments, a second one',
  'lookups that fail, slow, out of order',
  'full disk, read-only folder, EIO, two processes',
  'files from hostile hands',
  'workers, coordinator, server killed; units and answers again, late, out of order; no network (nats)',
  'streams: 10 s without network, the server full, the server killed (network)',
];

/** Figures that have a name as well. */
const named = { nats: 13, network: 14 };
const wanted = process.argv.slice(2).map((arg) => named[arg] ?? Number(arg));
for (const [i, number] of wanted.entries()) {
  if (Number.isInteger(number) && number >= 1 && number <= faults.length) continue;
  process.stderr.write(
    `faults: '${process.argv[2 + i]}' is no figure; give numbers from 1 to ${faults.length}\n`,
  );
  process.exit(2);
}
const numbers = wanted.length > 0 ? wanted : faults.map((_, i) => i + 1);

await reporting(() => setup());
const root = fileURLToPath(new URL('..', import.meta.url));
const pattern = new RegExp(`figure (${numbers.join('|')})\\b`);
const files = readdirSync(join(root, 'test'), { recursive: true })
  .filter((name) => name.endsWith('.test.ts') && pattern.test(readFileSync(join(root, 'test', name), 'utf8')))
  .map((name) => join('test', name));
const folder = mkdtempSync(join(tmpdir(), 'rxnas-faults-'));
const report = join(folder, 'report.txt');
const vitest = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '-t', pattern.source, ...files],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, RXNAS_FAULTS: 'full', RXNAS_FAULTS_REPORT: report },
  },
);
// The terminal interrupts both; vitest ends its workers and decides the exit code.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => vitest.kill('SIGTERM'));
vitest.on('exit', (code, signal) => {
  const lines = readLines(report);
  process.stdout.write('\n');
  for (const number of numbers) {
    const own = lines.filter((line) => line.startsWith(`figure ${number}: `));
    process.stdout.write(`figure ${number}: ${faults[number - 1]}\n`);
    const counted = own.map((line) => line.slice(line.indexOf(': ') + 2));
    for (const line of counted.length > 0 ? counted : ['nothing was counted: it failed, or was skipped']) {
      process.stdout.write(`  ${line}\n`);
    }
  }
  rmSync(folder, { recursive: true, force: true });
  process.exit(signal ? 130 : code);
});

function readLines(path) {
  try {
    return readFileSync(path, 'utf8').trim().split('\n');
  } catch {
    return []; // nothing was counted: vitest has said why
  }
}
