import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newestChange } from '../../scripts/build.mjs';
import { temporaryFolder } from '../support/temporaryFolder.js';

it('notices files that were changed, added and removed, at any depth', () => {
  const folder = temporaryFolder();
  const [inner, file] = [join(folder, 'a', 'b'), join(folder, 'a', 'b', 'x.ts')];
  mkdirSync(inner, { recursive: true });
  writeFileSync(file, '');
  const past = new Date('2020-01-01');
  const age = () => {
    for (const path of [file, inner, join(folder, 'a'), folder]) utimesSync(path, past, past);
  };
  age();
  expect(newestChange(folder)).toBe(past.getTime());
  writeFileSync(file, 'changed');
  expect(newestChange(folder)).toBeGreaterThan(past.getTime());
  age();
  rmSync(file);
  expect(newestChange(folder)).toBeGreaterThan(past.getTime());
});

it('takes what is missing as older than anything', () => {
  expect(newestChange(join(temporaryFolder(), 'none'))).toBe(0);
});
