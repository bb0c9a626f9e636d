import { setTimeout } from 'node:timers/promises';
import { GrowingLog, type LogRecord } from './log/reader.js';
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

/**
 * The logged rows of a run as they come, record by record, also where another process writes them: first those that are there, then, until
 * the run ends, those that follow. Asks for the next record only when the last one was taken. Returns how the run stands at the end: `dead`
 * where its process is gone, `running` where `signal` gave up. Throws as `readLog` does.
 */
export async function* followRun(
  folder: string,
  { events, after = {}, every = 200, signal }: FollowOptions = {},
): AsyncGenerator<LogRecord, RunState> {
  const { log: path } = openRun(folder);
  const log = new GrowingLog(path, after);
  try {
    for (;;) {
      const state = stateOf(folder); // before the last look, so that no row is missed
      for (const record of log.next()) {
        if (events && !events.includes(record.event)) continue;
        yield record;
        if (signal?.aborted) return 'running';
      }
      if (state !== 'running') return state;
      await setTimeout(every, undefined, signal && { signal }).catch(() => {});
      if (signal?.aborted) return 'running';
    }
  } finally {
    log.close();
  }
}

/** A run that ends between two looks at it is not dead. */
function stateOf(folder: string): RunState {
  const look = () => {
    const { dir, manifest } = openRun(folder);
    return runState(dir, manifest);
  };
  const state = look();
  return state === 'dead' ? look() : state;
}
