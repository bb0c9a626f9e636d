import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linkOwnBin, whyInstall } from '../../scripts/setup/packages.mjs';
import { temporaryFolder } from '../support/temporaryFolder.js';

const wanted = {
  '': { version: '0.1.0' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/@os/b': { version: '2.0.0', optional: true },
};

function clone(installed?: object, lock: object = wanted): string {
  const root = temporaryFolder();
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: lock }));
  if (installed) {
    mkdirSync(join(root, 'node_modules'));
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
  }
  return root;
}

describe('whether npm ci has to run', () => {
  it('does on a fresh clone, and after an interrupted install', () => {
    const root = clone();
    expect(whyInstall(root)).toBe('packages are not installed');
    mkdirSync(join(root, 'node_modules', 'a'), { recursive: true });
    expect(whyInstall(root)).toBe('packages are not installed');
  });

  it('does not where all is there, but for packages of other platforms', () => {
    expect(whyInstall(clone({ 'node_modules/a': { version: '1.0.0' } }))).toBeUndefined();
  });

  it('does where a package is missing or of another version, and names it', () => {
    expect(whyInstall(clone({}))).toContain('(a)');
    expect(whyInstall(clone({ 'node_modules/a': { version: '1.0.1' } }))).toContain('(a)');
    const stale = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/@os/b': { version: '1.9.0' } };
    expect(whyInstall(clone(stale))).toContain('(@os/b)');
  });

  it('is a clear error where the lockfile is damaged', () => {
    const root = clone();
    writeFileSync(join(root, 'package-lock.json'), '{"packages": {');
    expect(() => whyInstall(root)).toThrow(/package-lock\.json is missing or damaged/);
  });
});

it.skipIf(process.platform === 'win32')(
  "links the clone's own command for npx, in place of any other",
  () => {
    const root = clone({});
    const link = join(root, 'node_modules', '.bin', 'rxnas');
    mkdirSync(join(root, 'node_modules', '.bin'));
    symlinkSync('../elsewhere', link);
    linkOwnBin(root);
    linkOwnBin(root);
    expect(readlinkSync(link)).toBe('../../bin/rxnas.mjs');
  },
);
