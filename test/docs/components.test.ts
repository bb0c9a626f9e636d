import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { builtIns } from '../../src/pipelines/builtIns.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('the pages of the components are what the components say (else: npm run docs)', () => {
  execFileSync(process.execPath, ['scripts/docs.mjs', '--check'], { cwd: root });
});

it('every component stands on one of them', async () => {
  const { generated } = (await import('../../scripts/docs.mjs')) as {
    generated(): Promise<Map<string, string>>;
  };
  const text = [...(await generated()).values()].join('\n');
  for (const { name } of builtIns.list()) expect(text).toMatch(new RegExp(`^## ${name}$`, 'm'));
});
