import type { RecordBatch } from 'apache-arrow';
import { map, type Observable } from 'rxjs';
import { z } from 'zod';
import type { Credit } from '../core/backpressure.js';
import { type EventName, eventNames } from '../core/batch/index.js';
import { findRun } from '../core/run/index.js';
import { eventColumns } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import { fromEnvironment } from '../core/spec/grammar.js';
import { replay } from './replay.js';

export interface ReplayEventOptions {
  /** Folder of the run, its name in `runs/`, or `latest`. */
  run: string;
  event: string;
  pace?: 'full' | 'logged';
  speed?: number;
  credit?: Credit;
}

/** The logged rows of one event of a run as Arrow batches, record by record; otherwise as {@link replay}. */
export const replayEvent = defineOperator(
  {
    name: 'replay',
    kind: 'source',
    summary: 'The logged rows of an earlier run, without computing them again',
    source: 'docs/runs.md',
    params: z.strictObject({
      run: z
        .string()
        .min(1)
        .meta(fromEnvironment)
        .describe('folder of the run, its name in `runs/`, or `latest`'),
      event: z
        .string()
        .min(1)
        .describe(`event whose rows flow: ${eventNames.join(', ')}, or one of your own`),
      pace: z.enum(['full', 'logged']).default('full').describe('at full speed or in logged time'),
      speed: z
        .number()
        .positive()
        .max(1_000_000_000)
        .default(1)
        .describe('times faster than logged')
        .meta({ unit: 'factor' }),
    }),
    needs: ['credit'],
    input: {},
    output: ({ event }) =>
      eventNames.includes(event as EventName) ? eventColumns(event as EventName) : undefined,
    gives: 'batches',
    example: 'replay: { run: latest, event: step }',
  },
  ({ run, event, ...options }: ReplayEventOptions): Observable<RecordBatch> =>
    replay<string>({ ...options, run: findRun(run, 'runs'), events: [event] }).pipe(
      map(({ batch }) => batch as RecordBatch),
    ),
);
