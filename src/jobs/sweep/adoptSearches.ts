import { isRun, openRun, readManifest } from '../../core/run/index.js';
import { differences } from '../../core/spec/differences.js';
import { isSweep, sweepOfRun } from '../kinds.js';
import { essence } from './essence.js';
import { searchesIn } from './outcome.js';
import { WaitingSearches } from './store.js';
import { type SearchTask, tasksOf } from './tasks.js';

/**
 * Takes the finished searches of these folders, where they are sweeps, that another sweep needs: those of the same variant and seeds, whose search and
 * pretraining have the same settings. Others are passed over, and the first setting that differs is noted. So a sweep grows by seeds or losses.
 *
 * @param waiting takes their rows
 * @param isNeeded whether a search is not there yet
 * @returns how many were taken
 */
export async function adoptSearches(
  folders: readonly string[],
  searches: readonly SearchTask[],
  waiting: WaitingSearches,
  isNeeded: (task: SearchTask) => boolean,
  onNote: (line: string) => void,
): Promise<number> {
  const needed = new Map(searches.filter(isNeeded).map((task) => [task.name, task]));
  let taken = 0;
  for (const folder of folders) {
    if (!isRun(folder) || !isSweep(readManifest(folder))) continue;
    const theirs = tasksOf(await sweepOfRun(readManifest(folder))).searches;
    const alike = new Map<number, SearchTask>();
    let other: string | undefined;
    for (const task of theirs) {
      const own = needed.get(task.name);
      const different = own && differenceOf(task, own);
      if (own && !different) alike.set(task.index, own);
      other ??= different;
    }
    if (other) onNote(`${folder}: searches with other settings are made anew (first difference: ${other})`);
    for (const [index, rows] of finishedSearches(folder)) {
      const own = alike.get(index);
      if (!own || !needed.delete(own.name)) continue;
      await waiting.put(own.index, rows);
      taken++;
    }
  }
  return taken;
}

/** The searches that a sweep has logged, and those that wait for it. */
function* finishedSearches(folder: string) {
  let index = 0;
  for (const rows of searchesIn(openRun(folder).records({ events: ['result'] })))
    yield [index++, rows] as const;
  const waiting = new WaitingSearches(folder);
  for (const place of waiting.places()) if (place >= index) yield [place, waiting.rows(place)] as const;
}

/** The first setting in which two searches differ, or their pretrainings; undefined where their rows are the same. */
function differenceOf(theirs: SearchTask, own: SearchTask): string | undefined {
  const settings = ({ spec, after }: SearchTask) => ({
    search: essence(spec),
    pretrain: after ? essence(after.spec) : null,
  });
  return differences([settings(theirs), settings(own)])[0]?.name;
}
