import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { onStorage } from './files.js';
import { type Manifest, type RunStatus, readManifest } from './manifest.js';
import { isRun } from './run.js';

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

/** Folder of the newest run of a kind (of one of these statuses), or undefined. */
export function latestRun(
  root: string,
  kind: string,
  statuses: readonly RunStatus[] = ['running', 'done', 'interrupted', 'failed'],
): string | undefined {
  return listRuns(root).find(({ manifest }) => manifest?.kind === kind && statuses.includes(manifest.status))
    ?.dir;
}
