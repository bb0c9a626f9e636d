/**
 * Set-up of a clone: packages, native library, build. Does what is missing and nothing twice; `npm start` and `npm test` begin
 * with it. `npm run setup -- --retry` looks again for a native library that could not be had before. In an installed package, where
 * there is nothing to build, it gets the native library only.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMain, reporting, SetupError } from './setup/say.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

export async function setup({ retry = false } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 10)) {
    throw new SetupError(`Node 20.10 or newer is needed, this is ${process.version}`);
  }
  const clone = existsSync(join(root, 'src'));
  const { installPackages, linkOwnBin } = await import('./setup/packages.mjs');
  if (clone) await installPackages(root);
  const { prepareNative } = await import('./setup/native.mjs');
  await prepareNative(root, { retry });
  if (!clone) return;
  linkOwnBin(root);
  const { build } = await import('./build.mjs');
  await build();
}

if (isMain(import.meta.url)) {
  await reporting(() => setup({ retry: process.argv.includes('--retry') }));
}
