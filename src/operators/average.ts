import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { z } from 'zod';
import { itemRows } from '../core/batch/index.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface AverageOptions {
  /** Rows of a window. */
  rows: number;
}

/**
 * The mean of each column over windows of so many rows; of columns that are no single numbers, the value of the window's last row. The rest at the
 * end is a window of its own.
 *
 *     in    a b c d e|        rows: 2
 *     out   --b---d--e|
 */
export const average = defineOperator(
  {
    name: 'average',
    kind: 'operator',
    summary: 'Means over windows of rows',
    source: 'rxnas',
    params: z.strictObject({
      rows: z.int().min(1).max(1_000_000).default(100).describe('rows of a window').meta({ unit: 'rows' }),
    }),
    needs: ['stream'],
    input: {},
    output: {},
    passes: true,
    gives: 'rows',
    example: 'average: { rows: 100 }',
  },
  ({ rows: size }: AverageOptions): MonoTypeOperatorFunction<unknown> =>
    (source) =>
      new Observable((subscriber) => {
        let sums: Record<string, number> = {};
        let last: Record<string, unknown> = {};
        let count = 0;
        const give = () => {
          const means = Object.entries(sums).map(([name, sum]) => [name, sum / count]);
          const row = { ...last, ...Object.fromEntries(means) };
          [sums, count] = [{}, 0];
          subscriber.next(row);
        };
        return source.subscribe({
          next(item) {
            for (const row of itemRows(item)) {
              last = row;
              for (const [name, value] of Object.entries(row)) {
                if (typeof value === 'number') sums[name] = (sums[name] ?? 0) + value;
              }
              if (++count === size) give();
            }
          },
          error: (error) => subscriber.error(error),
          complete() {
            if (count > 0) give();
            subscriber.complete();
          },
        });
      }),
);
