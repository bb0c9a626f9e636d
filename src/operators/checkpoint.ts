import { concatMap, type MonoTypeOperatorFunction } from 'rxjs';
import { z } from 'zod';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface CheckpointOptions<T> {
  /** Steps between checkpoints; 0 = none. */
  every: number;
  /** Writes the state after `row`; the row goes on when it is safe. */
  save: (row: T) => Promise<void>;
}

/** Saves the state after every so many steps, before the next step begins. */
export const checkpoint = defineOperator(
  {
    name: 'checkpoint',
    kind: 'operator',
    summary: 'Saves the state of the run every so many steps',
    params: z.strictObject({
      every: z
        .int()
        .min(0)
        .max(1_000_000_000)
        .default(500)
        .describe('steps between checkpoints; 0 = none')
        .meta({ unit: 'steps' }),
    }),
    needs: ['save'],
    input: { step: 'int32' },
    output: {},
    passes: true,
    resumes: true,
    stability: 'stable',
    example: 'checkpoint: { every: 500 }',
  },
  <T extends { step: number }>({ every, save }: CheckpointOptions<T>): MonoTypeOperatorFunction<T> =>
    concatMap(async (row) => {
      if (every > 0 && (row.step + 1) % every === 0) await save(row);
      return row;
    }),
);
