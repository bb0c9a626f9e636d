import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type EventRow, eventSchemas } from '../../core/batch/index.js';
import { LogWriter, readLog } from '../../core/run/index.js';
import { searchesIn } from './outcome.js';

/**
 * Searches that were finished before those in front of them in the order of the rows: each waits in a small log of its own in the sweep's folder,
 * whole or not at all, until its turn has come.
 */
export class WaitingSearches {
  readonly #folder: string;

  constructor(dir: string) {
    this.#folder = join(dir, 'waiting');
  }

  /** Makes the rows of a search safe. */
  async put(index: number, rows: readonly EventRow<'result'>[]): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    const temporary = join(this.#folder, `.tmp-${index}`);
    rmSync(temporary, { force: true });
    const log = LogWriter.create(temporary);
    try {
      for (const row of rows) log.appendRow('result', eventSchemas.result, row);
      await log.sync();
    } finally {
      log.close();
    }
    renameSync(temporary, this.#file(index));
  }

  /** Places of the searches that wait, in order. One whose log is damaged is made again: it is removed. */
  list(): number[] {
    return this.places().filter((index) => {
      try {
        return this.rows(index).length > 0;
      } catch {
        this.remove(index);
        return false;
      }
    });
  }

  /** The same without looking into them. */
  places(): number[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return [];
    }
    return names
      .flatMap((name) => /^(\d+)\.log$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  rows(index: number): EventRow<'result'>[] {
    const [rows = []] = searchesIn(readLog(this.#file(index), { events: ['result'] }));
    return rows;
  }

  remove(index: number): void {
    rmSync(this.#file(index), { force: true });
  }

  /** Takes the folder away, once nothing waits. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(index: number): string {
    return join(this.#folder, `${index}.log`);
  }
}
