import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { missingEntries } from '../../scripts/lockfile.mjs';

it('package-lock.json names the packages of all platforms (else: node scripts/lockfile.mjs)', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
  expect(missingEntries(lock.packages)).toEqual({});
});

it('tells a platform by the name of its package', () => {
  const packages = {
    '': {},
    'node_modules/r': {
      dev: true,
      optionalDependencies: {
        '@r/r-linux-x64-musl': '1.0.0',
        '@r/r-win32-arm64-msvc': '1.0.0',
        there: '1.0.0',
      },
    },
    'node_modules/r/node_modules/there': { version: '1.0.0', optional: true },
  };
  expect(missingEntries(packages)).toEqual({
    'node_modules/@r/r-linux-x64-musl': {
      version: '1.0.0',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
    'node_modules/@r/r-win32-arm64-msvc': {
      version: '1.0.0',
      cpu: ['arm64'],
      dev: true,
      optional: true,
      os: ['win32'],
    },
  });
});
