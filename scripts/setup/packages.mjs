import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';
import { SetupError, say } from './say.mjs';

/** Install the packages of package-lock.json, if what is installed differs from it. */
export async function installPackages(root) {
  const reason = whyInstall(root);
  if (!reason) return;
  accessSync(root, constants.W_OK);
  say(`${reason}: npm ci`);
  // npm names its own program to the scripts it starts: the same npm, also where another one is first in PATH.
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { ok } = await run(npm[0], [...npm.slice(1), 'ci', ...options], { cwd: root, show: true });
  if (ok) return;
  throw new SetupError(
    `npm ci failed: its own message is above. It needs npm's registry within reach and 0.8 GB in ${root}; put that right, then run the same command again`,
  );
}

/**
 * Why `npm ci` has to run, or undefined where node_modules holds what package-lock.json asks for. Told from the lockfile that npm
 * leaves in node_modules when it is done, so an interrupted install is noticed and one done by hand is respected. The addons in
 * use are N-API or come one package a platform: another Node version needs no other packages.
 */
export function whyInstall(root) {
  const wanted = readLock(join(root, 'package-lock.json'));
  if (!wanted)
    throw new SetupError(
      `${join(root, 'package-lock.json')} is missing or damaged: restore it (git checkout package-lock.json)`,
    );
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return 'packages are not installed';
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    if (path === '') continue;
    const there = installed[path];
    // Optional packages are those of other platforms, too.
    if (there ? there.version !== version : !optional)
      return `packages differ from package-lock.json (${path.replace(/^.*node_modules\//, '')})`;
  }
  return undefined;
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Let `npx rxnas` find this clone's own command without asking the registry: npm links only the bins of dependencies. */
export function linkOwnBin(root) {
  const folder = join(root, 'node_modules', '.bin');
  const [link, target] = [join(folder, 'rxnas'), join('..', '..', 'bin', 'rxnas.mjs')];
  if (process.platform === 'win32') {
    writeFileSync(`${link}.cmd`, `@node "%~dp0\\${target}" %*\r\n`);
    return;
  }
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return;
  mkdirSync(folder, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(target, link);
}
