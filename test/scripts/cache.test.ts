import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addEntry, cacheFolder, findEntry, linkTree } from '../../scripts/setup/cache.mjs';
import { temporaryFolder } from '../support/temporaryFolder.js';

function fill(folder: string): void {
  mkdirSync(join(folder, 'lib'));
  writeFileSync(join(folder, 'lib', 'a.so.2'), 'library');
  symlinkSync('a.so.2', join(folder, 'lib', 'a.so'));
}

it('keeps what was filled in, whole', async () => {
  const cache = temporaryFolder();
  const entry = await addEntry(cache, 'x', fill);
  expect(findEntry(cache, 'x')).toBe(entry);
  expect(readFileSync(join(entry, 'lib', 'a.so'), 'utf8')).toBe('library');
  expect(readdirSync(cache)).toEqual(['x']);
});

it('has no entry where filling failed, and none that was never made', async () => {
  const cache = temporaryFolder();
  const failing = addEntry(cache, 'x', (folder: string) => {
    fill(folder);
    throw new Error('cut off');
  });
  await expect(failing).rejects.toThrow('cut off');
  expect(findEntry(cache, 'x')).toBeUndefined();
  expect(readdirSync(cache)).toEqual([]);
});

it.each([
  ['changed', (entry: string) => writeFileSync(join(entry, 'lib', 'a.so.2'), 'Library')],
  ['cut', (entry: string) => writeFileSync(join(entry, 'lib', 'a.so.2'), 'lib')],
  ['missing', (entry: string) => rmSync(join(entry, 'lib', 'a.so.2'))],
  ['without its checksums', (entry: string) => rmSync(join(entry, 'checksums.json'))],
])('drops an entry that is %s', async (_, damage) => {
  const cache = temporaryFolder();
  const entry = await addEntry(cache, 'x', fill);
  damage(entry);
  expect(findEntry(cache, 'x')).toBeUndefined();
  expect(existsSync(entry)).toBe(false);
});

it('clears away what a killed process left, and nothing of a living one', async () => {
  const cache = temporaryFolder();
  const { pid: dead } = spawnSync(process.execPath, ['--version']);
  mkdirSync(join(cache, `.tmp-${dead}-abc`));
  mkdirSync(join(cache, `.tmp-${process.pid}-abc`));
  await addEntry(cache, 'x', fill);
  expect(readdirSync(cache).sort()).toEqual([`.tmp-${process.pid}-abc`, 'x']);
});

it('shares files with the cache instead of copying them', async () => {
  const cache = temporaryFolder();
  const entry = await addEntry(cache, 'x', fill);
  const target = join(cache, 'clone');
  linkTree(entry, target);
  expect(statSync(join(target, 'lib', 'a.so.2')).ino).toBe(statSync(join(entry, 'lib', 'a.so.2')).ino);
  expect(readFileSync(join(target, 'lib', 'a.so'), 'utf8')).toBe('library');
});

it('lies where RXNAS_CACHE says, else in the cache folder of the user, else in the clone', () => {
  const folder = temporaryFolder();
  expect(cacheFolder(folder, { RXNAS_CACHE: join(folder, 'mine') })).toBe(join(folder, 'mine'));
  expect(cacheFolder(folder, { XDG_CACHE_HOME: join(folder, 'xdg') })).toBe(join(folder, 'xdg', 'rxnas'));
  writeFileSync(join(folder, 'file'), '');
  expect(cacheFolder(folder, { XDG_CACHE_HOME: join(folder, 'file') })).toBe(join(folder, '.cache'));
});
