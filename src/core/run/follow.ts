import { setTimeout } from 'node:timers/promises';
import { breathe } from '../breathe.js';
import { GrowingLog, type LogRecord } from './log/reader.js';
import type { Manifest } from './manifest.js';
import { openRun } from './run.js';
import { type RunState, runState } from './runs.js';

export interface FollowOptions {
  /** Only these events; default all. */
  events?: readonly string[];
  /** Rows to pass over, by event; default none. */
  after?: Readonly<Record<string, number>>;
  /** Milliseconds between two looks at the log; default 200. */
  every?: number;
  /** Gives up following when it aborts. */
  signal?: AbortSignal;
}

/** How a run stands. */
export interface Standing {
  state: RunState;
  manifest: Manifest;
}

/**
 * The logged rows of a run as they come, record by record, also where another process writes them: first those that are there, then, until
 * the run ends, those that follow. Asks for the next record only when the last one was taken. Returns how the run stands at the end: `dead`
 * where its process is gone, `running` where `signal` gave up. Throws as `readLog` does.
 */
export async function* followRun(
  folder: string,
  options: FollowOptions = {},
): AsyncGenerator<LogRecord, RunState> {
  for await (const item of watchRun(folder, options)) {
    if (!('state' in item)) yield item;
    else if (item.state !== 'running') return item.state;
  }
  return 'running';
}

/**
 * As {@link followRun}, but beyond the end of the run, which may be resumed: gives the rows as they come, and how the run stands whenever that
 * has changed, behind the rows that were logged until then. Ends where `signal` gives up. A row is given once, also where a resumed run logs
 * it again.
 */
export async function* watchRun(
  folder: string,
  { events, after = {}, every = 200, signal }: FollowOptions = {},
): AsyncGenerator<LogRecord | Standing> {
  const log = new GrowingLog(openRun(folder).log, after);
  let known: Standing | undefined;
  try {
    while (!signal?.aborted) {
      const standing = standingOf(folder); // before the last look, so that no row is missed
      for (const record of log.next()) {
        await breathe();
        if (signal?.aborted) return;
        if (!events || events.includes(record.event)) yield record;
      }
      if (standing.state !== known?.state || standing.manifest.finished !== known.manifest.finished) {
        known = standing;
        yield standing;
      }
      await setTimeout(every, undefined, signal && { signal }).catch(() => {});
    }
  } finally {
    log.close();
  }
}

/** A run that ends between two looks at it is not dead. */
function standingOf(folder: string): Standing {
  const look = () => {
    const { dir, manifest } = openRun(folder);
    return { state: runState(dir, manifest), manifest };
  };
  const standing = look();
  return standing.state === 'dead' ? look() : standing;
}
