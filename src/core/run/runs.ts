import { lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { dataError, usageError } from '../errors.js';
import { suggest } from '../suggest.js';
import { isTemporary, onStorage } from './files.js';
import { type Manifest, type RunStatus, readManifest } from './manifest.js';
import { isRun, StoredRun } from './run.js';

/** One folder in the folder of all runs. */
export interface RunEntry {
  dir: string;
  manifest?: Manifest;
  /** What is wrong with its manifest, where it cannot be read. */
  broken?: string;
}

/** The runs in a folder, newest first; broken ones are marked. None where the folder does not exist. */
export function listRuns(root: string): RunEntry[] {
  const folder = resolve(root);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    return onStorage(folder, () => {
      throw error;
    });
  }
  const entries = names
    .filter((name) => !isTemporary(name))
    .map((name) => join(folder, name))
    .filter(isRun)
    .map((dir): RunEntry => {
      try {
        return { dir, manifest: readManifest(dir) };
      } catch (error) {
        return { dir, broken: (error as Error).message };
      }
    });
  const age = ({ manifest, dir }: RunEntry) => `${manifest?.created ?? ''}/${dir}`;
  return entries.sort((a, b) => (age(a) < age(b) ? 1 : -1));
}

/** How a run stands: as its manifest says, but `dead` where that is `running` and no process has it. */
export type RunState = RunStatus | 'dead';

export const runState = (dir: string, manifest: Manifest): RunState =>
  manifest.status === 'running' && !new StoredRun(dir, manifest).holder ? 'dead' : manifest.status;

/** Bytes of the files in a run's folder; links are not followed. */
export function runBytes(dir: string): number {
  return onStorage(dir, () => readdirSync(dir)).reduce((sum, name) => {
    const stats = lstatSync(join(dir, name), { throwIfNoEntry: false });
    if (!stats) return sum;
    return sum + (stats.isDirectory() ? runBytes(join(dir, name)) : stats.size);
  }, 0);
}

/**
 * The folder of the run that a user means: a path, a name in the folder of all runs or an unambiguous part of one, or `latest`.
 * Throws exit code 3 where there is none, 2 where several could be meant.
 */
export function findRun(name: string, root = 'runs'): string {
  if (isRun(name)) return name;
  const isFolder = statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder || /[\\/]/.test(name)) {
    throw dataError(
      isFolder ? `the folder ${name} holds no run` : `there is no run ${name}`,
      'give the folder of a run, or its name (`rxnas runs` lists them)',
    );
  }
  const entries = listRuns(root);
  const [newest] = entries;
  if (name === 'latest' && newest) return newest.dir;
  const names = entries.map(({ dir }) => basename(dir));
  const found = names.includes(name) ? [name] : names.filter((other) => other.includes(name));
  if (found.length === 1) return join(root, found[0]!);
  if (found.length > 1) {
    throw usageError(
      `'${name}' could be ${found.length} runs`,
      `give more of its name: ${found.slice(0, 5).join(', ')}`,
    );
  }
  const near = suggest(name, names);
  throw dataError(
    `there is no run '${name}' in ${root}`,
    near ? `did you mean '${near}'?` : 'list them with `rxnas runs`, or give the folder of one',
  );
}

/** Folder of the newest run of a kind (of one of these statuses), or undefined. */
export function latestRun(
  root: string,
  kind: string,
  statuses: readonly RunStatus[] = ['running', 'done', 'interrupted', 'failed'],
): string | undefined {
  return listRuns(root).find(({ manifest }) => manifest?.kind === kind && statuses.includes(manifest.status))
    ?.dir;
}
