import { cpSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dataError, usageError } from '../../core/errors.js';
import { isRun, type Manifest, readManifest } from '../../core/run/index.js';
import { differences } from '../../core/spec/differences.js';
import { type Chosen, nameOf } from '../../core/spec/spec.js';
import { specOfRun, wantedSpec } from '../kinds.js';
import { essence } from './essence.js';
import type { PretrainTask } from './tasks.js';
import { finalWeights } from './unit.js';

/**
 * Takes the finished pretrainings of these folders that a sweep needs and does not have yet: each is copied into the sweep's own folder. They lie
 * under the name that a sweep gives them (`pretrain-LOSS-SEED`), and were made by whatever command, as long as it asked for the same rows. One
 * that is not finished is passed over.
 *
 * Throws exit code 2 where a run is of another spec, naming the first field that differs.
 * @returns names of what was taken
 */
export async function adopt(
  dir: string,
  folders: readonly string[],
  pretrainings: readonly PretrainTask[],
  onNote: (line: string) => void,
): Promise<string[]> {
  const taken: string[] = [];
  for (const task of pretrainings) {
    const target = join(dir, task.name);
    if (existsSync(target)) continue;
    for (const folder of folders) {
      const source = join(folder, task.name);
      if (!isRun(source)) continue;
      const manifest = readManifest(source);
      await sameRows(source, manifest, task);
      if (manifest.status !== 'done') {
        onNote(`${source} is not finished: it is made anew`);
        continue;
      }
      finalWeights(source); // throws where it has none
      const temporary = join(dir, `.tmp-${task.name}`);
      rmSync(temporary, { recursive: true, force: true });
      cpSync(source, temporary, { recursive: true, filter: (file) => basename(file) !== 'run.lock' });
      renameSync(temporary, target);
      taken.push(task.name);
      break;
    }
  }
  return taken;
}

/** Throws exit code 3 where one of the folders is missing. */
export function requireFolders(folders: readonly string[]): void {
  for (const folder of folders) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
      throw dataError(
        `--reuse ${folder}: there is no such folder`,
        'give the one that holds pretrain-LOSS-SEED',
      );
    }
  }
}

/** Throws exit code 2 where a run would not have the rows of this pretraining. */
export async function sameRows(dir: string, manifest: Manifest, task: PretrainTask): Promise<void> {
  const hint = 'give another folder, or the settings that it was made with';
  if (manifest.kind === 'sweep') throw usageError(`${dir} is a sweep, not a pretraining`, hint);
  const { resolved } = wantedSpec(await specOfRun(manifest));
  const { engine: _, ...theirs } = essence(resolved);
  const { engine: __, ...own } = essence(task.spec);
  const [different] = differences([theirs, own]);
  if (different) {
    const [was, is] = different.values.map((value) => JSON.stringify(value) ?? '(nothing)');
    throw usageError(`${dir} was pretrained with ${different.name} ${was}, not ${is}`, hint);
  }
  const [was, is] = [manifest.engine, chosenEngine(task)];
  if (was && is.name !== 'auto' && was.name !== is.name) {
    throw usageError(
      `${dir} was pretrained with engine ${was.name}, not ${is.name}`,
      `set --engine ${was.name}`,
    );
  }
  // The simd engines have the same bits on any number of threads.
  if (was?.name === 'tfjs' && was.threads !== is.threads) {
    throw usageError(`${dir} was pretrained on ${was.threads} threads, not ${is.threads}`, hint);
  }
}

function chosenEngine({ read }: PretrainTask) {
  const engine = read.spec.engine as Chosen;
  const name = nameOf(engine);
  return { name, threads: engine[name]!.threads };
}
