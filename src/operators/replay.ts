import { concatMap, delay, type Observable, of } from 'rxjs';
import { Credit } from '../core/backpressure.js';
import {
  type Columns,
  type EventBatch,
  type EventColumns,
  type EventName,
  type EventRow,
  rowsOf,
} from '../core/batch/index.js';
import { type LogRecord, openRun, type StoredRun } from '../core/run/index.js';
import { inTurn } from './inTurn.js';
import { pull } from './pull.js';

export interface ReplayOptions<E extends string = string> {
  /** The run, or its folder. */
  run: StoredRun | string;
  /** Only these events; default all. */
  events?: readonly E[];
  /** `full`: as fast as they are read; `logged`: with the pauses that lay between them. */
  pace?: 'full' | 'logged';
  /** How many times faster than logged; default 1. */
  speed?: number;
  /**
   * Credit of the {@link inTurn} stage downstream that works on the records: then no more of them are read than it allows, however
   * slow it is. Without it (and at full pace) they are pushed as fast as they are read.
   */
  credit?: Credit;
}

type Replayed<E extends string> = E extends EventName
  ? LogRecord<EventColumns[E]> & { event: E }
  : LogRecord<Columns>;

/**
 * The logged rows of a run, record by record, without computing anything again: batches that any operators can be attached to. Holds one
 * record in memory; unsubscribing closes the file at once. Errors as `StoredRun.records` throws them.
 *
 *     log      a b c            records
 *     full     (abc|)
 *     logged   a-b---c|
 */
export function replay<E extends string = string>(options: ReplayOptions<E>): Observable<Replayed<E>> {
  const { run, events, pace = 'full', speed = 1, credit } = options;
  const stored = typeof run === 'string' ? openRun(run) : run;
  const records: Iterable<LogRecord> = {
    [Symbol.iterator]: () => stored.records(events ? { events } : {}),
  };
  if (pace === 'full') {
    return pull(records, credit ?? new Credit(1)) as Observable<Replayed<E>>;
  }
  const inTime = new Credit(1);
  let last: number | undefined;
  return pull(records, inTime).pipe(
    inTurn(
      { credit: inTime },
      concatMap(({ item }) => {
        const pause = Math.max(0, item.time - (last ?? item.time)) / speed;
        last = item.time;
        return of(item).pipe(delay(pause));
      }),
    ),
  ) as Observable<Replayed<E>>;
}

/** The logged rows of one event, one at a time; otherwise as {@link replay}. */
export function replayRows<E extends EventName>(run: StoredRun | string, event: E): Observable<EventRow<E>> {
  return replay<string>({ run, events: [event] }).pipe(
    concatMap(({ batch }) => rowsOf(batch as unknown as EventBatch<E>) as Iterable<EventRow<E>>),
  );
}
