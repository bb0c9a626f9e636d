import type { RecordBatch } from 'apache-arrow';
import { Observable, takeWhile } from 'rxjs';
import { z } from 'zod';
import { type Columns, concatBatches, sliceBatch } from '../core/batch/index.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface BatchOptions {
  /** Rows of every batch that goes out. */
  rows: number;
  /** Give out the rest at the end as a smaller batch (default), or leave it out. */
  rest?: 'keep' | 'drop';
}

/**
 * Cuts and joins batches to a fixed number of rows. A batch that has it already is passed on as it is; a cut copies nothing, a join
 * copies once. Holds fewer than `rows` rows back.
 *
 *     in     (2)(2)(3)--(1)|      rows: 4
 *     out    ---(4)-----(4)|
 */
export const batch = defineOperator(
  {
    name: 'batch',
    kind: 'operator',
    summary: 'Cuts and joins batches to a fixed number of rows',
    params: z.strictObject({
      rows: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe('rows of a batch; default: those of the paper’s experiment with the loss, else 512')
        .meta({ unit: 'rows' }),
      rest: z.enum(['keep', 'drop']).default('keep').describe('what becomes of the rows left at the end'),
    }),
    needs: ['stream'],
    takes: 'batches',
    gives: 'batches',
    input: {},
    output: {},
    passes: true,
    stability: 'stable',
    example: 'batch: { rows: 512 }',
  },
  ({ rows, rest = 'keep' }: BatchOptions) =>
    <T extends Columns>(source: Observable<RecordBatch<T>>): Observable<RecordBatch<T>> =>
      new Observable((subscriber) => {
        let held: RecordBatch<T>[] = [];
        let count = 0;
        const subscription = source.pipe(takeWhile(() => !subscriber.closed)).subscribe({
          next(incoming) {
            let from = 0;
            while (count + incoming.numRows - from >= rows && !subscriber.closed) {
              const to = from + rows - count;
              held.push(from === 0 && to === incoming.numRows ? incoming : sliceBatch(incoming, from, to));
              const full = concatBatches(held);
              held = [];
              count = 0;
              from = to;
              subscriber.next(full);
            }
            if (from < incoming.numRows) {
              held.push(from === 0 ? incoming : sliceBatch(incoming, from));
              count += incoming.numRows - from;
            }
          },
          error: (error) => subscriber.error(error),
          complete() {
            if (rest === 'keep' && held.length > 0) subscriber.next(concatBatches(held));
            subscriber.complete();
          },
        });
        subscriber.add(subscription);
      }),
);
