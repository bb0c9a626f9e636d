import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { usageError } from '../errors.js';
import { checkpointFiles } from './checkpoint.js';
import { isTemporary, onStorage } from './files.js';
import { acquireLock, isRunning, lockHolder } from './lock.js';
import { unpackingPattern } from './pack.js';
import { folderPattern, isRun, isUnfinished, lockFile, openRun } from './run.js';
import { listRuns } from './runs.js';

/** Remove a run's folder with all that is in it. Throws exit code 1 where a process writes it, 2 where the folder is a link. */
export function removeRun(folder: string): void {
  const dir = resolve(folder);
  if (lstatSync(dir, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw usageError(`${folder} is a link`, 'give the folder that it leads to');
  }
  const lock = acquireLock(lockFile(dir));
  try {
    onStorage(dir, () => rmSync(dir, { recursive: true, force: true }));
  } finally {
    lock.release();
  }
}

/**
 * Remove, of all runs in `root` that no process writes, what was half written when a process ended, and of finished ones all checkpoints
 * but the newest; and whole folders in which a process ended before it had made or unpacked a run. What a resume needs is left alone, and so
 * are broken runs. `dryRun` only finds. `files` names folders, too.
 */
export function collectGarbage(
  root: string,
  { dryRun = false } = {},
): { files: string[]; bytes: number; skipped: string[] } {
  const files: string[] = [];
  const skipped: string[] = [];
  let bytes = 0;
  for (const { dir, manifest } of listRuns(root)) {
    try {
      if (!manifest) throw new Error(`${dir} is broken`);
      if (openRun(dir).holder) throw new Error(`${dir} is being written`);
      const lock = dryRun ? undefined : acquireLock(lockFile(dir));
      try {
        const older = manifest.status === 'done' ? checkpointFiles(dir).slice(1) : [];
        for (const file of [...halfWritten(dir), ...halfWritten(join(dir, 'checkpoints')), ...older]) {
          bytes += lstatSync(file).size;
          files.push(file);
          if (!dryRun) onStorage(file, () => rmSync(file, { force: true }));
        }
      } finally {
        lock?.release();
      }
    } catch (error) {
      skipped.push((error as Error).message);
    }
  }
  for (const dir of unfinishedFolders(root)) {
    try {
      if (!dryRun) onStorage(dir, () => rmSync(dir, { recursive: true, force: true }));
      files.push(dir);
    } catch (error) {
      skipped.push((error as Error).message);
    }
  }
  return { files, bytes, skipped };
}

/** Folders of runs that their process began to make or to unpack, and that it will not finish. */
function unfinishedFolders(root: string): string[] {
  const folder = resolve(root);
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  return onStorage(folder, () => readdirSync(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .filter(({ name }) => {
      const dir = join(folder, name);
      const unpacking = unpackingPattern.exec(name);
      if (unpacking) return !isRunning(Number(unpacking[1]));
      if (isRun(dir)) return false;
      const names = readdirSync(dir);
      if (names.length === 0) return folderPattern.test(name) && isOld(dir);
      return isUnfinished(dir, names) && !lockHolder(lockFile(dir));
    })
    .map(({ name }) => join(folder, name));
}

/** An empty folder may be one that a process is about to fill. */
const isOld = (dir: string) => Date.now() - lstatSync(dir).mtimeMs > 60_000;

function halfWritten(folder: string): string[] {
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(folder)
    .filter(isTemporary)
    .map((name) => join(folder, name));
}
