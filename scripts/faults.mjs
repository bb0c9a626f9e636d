/** `npm run faults`: the fault tests at full size; prints what was counted for each figure of docs/runs.md. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rxnas-faults-'));
const report = join(folder, 'report.txt');
const files = ['test/fault', 'test/core/run', 'test/interop', 'test/operators', 'test/pipelines'];
const given = process.argv.slice(2);
const vitest = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...(given.length > 0 ? given : files)],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, RXNAS_FAULTS: 'full', RXNAS_FAULTS_REPORT: report },
  },
);
process.on('SIGINT', () => {});
vitest.on('exit', (code, signal) => {
  try {
    const lines = readFileSync(report, 'utf8').trim().split('\n');
    const number = (line) => Number(/\d+/.exec(line)?.[0]);
    process.stdout.write(`\n${lines.sort((a, b) => number(a) - number(b)).join('\n')}\n`);
  } catch {
    // Nothing was counted: vitest has said why.
  }
  rmSync(folder, { recursive: true, force: true });
  process.exit(signal ? 130 : code);
});
