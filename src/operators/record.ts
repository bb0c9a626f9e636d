import { type MonoTypeOperatorFunction, tap } from 'rxjs';
import { z } from 'zod';
import { type EventName, eventNames } from '../core/batch/index.js';
import type { Loggable, Run } from '../core/run/index.js';
import { eventColumns } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface RecordOptions<E extends EventName> {
  run: Pick<Run, 'append'>;
  event: E;
}

export interface RecordRowsOptions<E extends EventName, T> extends RecordOptions<E> {
  /** The rows of an item; undefined logs nothing. */
  toRows: (item: T) => Loggable<E> | undefined;
}

/** An item is a row, an array of rows or a batch itself, with the columns of the event. */
function create<E extends EventName, T extends Loggable<E>>(
  options: RecordOptions<E>,
): MonoTypeOperatorFunction<T>;
/** Its rows are made of the item. */
function create<E extends EventName, T>(options: RecordRowsOptions<E, T>): MonoTypeOperatorFunction<T>;
function create<E extends EventName, T>({
  run,
  event,
  toRows = (item) => item as Loggable<E>,
}: RecordOptions<E> & Partial<RecordRowsOptions<E, T>>): MonoTypeOperatorFunction<T> {
  return tap((item) => {
    const rows = toRows(item);
    if (rows !== undefined) run.append(event, rows);
  });
}

/**
 * Writes what passes into the log of a run, as rows of `event`, and hands it on unchanged. An error of the log (a full
 * disk) is an error of the stream.
 *
 *     in    a---b---c|
 *     out   a---b---c|
 *     log   a---b---c
 */
export const record = defineOperator(
  {
    name: 'record',
    kind: 'sink',
    summary: 'Writes rows into the log of the run and hands them on',
    params: z.strictObject({
      event: z.enum(eventNames).describe('event whose columns the rows have'),
    }),
    needs: ['run'],
    input: ({ event }) => (eventNames.includes(event as EventName) ? eventColumns(event as EventName) : {}),
    output: {},
    passes: true,
    resumes: true,
    stability: 'stable',
    example: 'record: { event: step }',
  },
  create,
);
