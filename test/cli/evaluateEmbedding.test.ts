import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rxnas } from '../support/rxnas.js';
import { smallPretraining } from '../support/smallPretraining.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

it('rxnas evaluate-embedding --by-loss puts the controllers of a loss into one column', async () => {
  const folder = temporaryFolder();
  const runs = ['a', 'b', 'c'].map((name) => join(folder, name));
  await smallPretraining(runs[0]!);
  for (const run of runs.slice(1)) cpSync(runs[0]!, run, { recursive: true });
  const page = join(folder, 'page.md');
  const evaluate = (...args: string[]) =>
    rxnas(['evaluate-embedding', ...runs, '--cells', '100', '--pairs', '100', '--engine', 'simd', ...args]);
  const { code, stdout, stderr } = await evaluate('--by-loss', '--markdown', page);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^1 of 4: .*4 of 4: untrained$/ms);
  expect(stdout).toMatch(/MultiSimilarity \(3\) +untrained/);
  const lines = readFileSync(page, 'utf8').split('\n');
  const correlation = lines.find((line) => line.includes('rank correlation of embedding'))!;
  expect(correlation).toMatch(/\| \d\.\d{3} ± 0\.000 \| \d\.\d{3} \|$/); // equal controllers
  const { controllers } = JSON.parse((await evaluate('--json')).stdout);
  expect(controllers.map(({ loss }: { loss: string }) => loss)).toEqual(Array(3).fill('MultiSimilarity'));
});
