import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './temporaryFolder.js';

const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'ignore' });

/** A file system of `kilobytes`, for the length of the test; only root may mount one. */
export function tinyDisk(kilobytes: number): string {
  const folder = temporaryFolder();
  mount('-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'none', folder);
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder]);
  });
  return folder;
}

/** Give a {@link tinyDisk} another size, or make it read-only: `size=100k`, `ro`, `rw`. */
export const remount = (folder: string, option: string) => mount('-o', `remount,${option}`, folder);

/** Whether this process may mount. */
export const canMount = (() => {
  try {
    const folder = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
    mount('-t', 'tmpfs', '-o', 'size=64k', 'none', folder);
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
    return true;
  } catch {
    return false;
  }
})();
