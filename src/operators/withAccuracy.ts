import { Field, Float64, type RecordBatch, Schema, type Uint32 } from 'apache-arrow';
import { defer, from, map, type Observable, switchMap } from 'rxjs';
import { z } from 'zod';
import { type Columns, values, withColumns } from '../core/batch/index.js';
import type { Benchmark } from '../core/benchmark/index.js';
import { breathe } from '../core/breathe.js';
import { dataError } from '../core/errors.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface WithAccuracyOptions {
  benchmark: Benchmark;
}

type Accuracy = { validation: Float64; test: Float64 };

const schema = new Schema<Accuracy>([
  new Field('validation', new Float64(), false),
  new Field('test', new Float64(), false),
]);

/**
 * Adds the mean accuracies of each cell over the benchmark's repeats: `validation` and `test`, fractions, NaN where it is not known. The whole table
 * is read first: 16 bytes for each cell of the space are held. Errors with exit code 3 where the benchmark's cells cannot be listed.
 */
export const withAccuracy = defineOperator(
  {
    name: 'withAccuracy',
    kind: 'operator',
    summary: 'Adds the accuracies of each cell, where the benchmark knows it',
    params: z.strictObject({}),
    needs: ['benchmark'],
    takes: 'batches',
    gives: 'batches',
    input: { cell: 'uint32' },
    output: { validation: 'float64', test: 'float64' },
    passes: true,
    resumes: true,
    stability: 'stable',
    example: 'withAccuracy: {}',
  },
  ({ benchmark }: WithAccuracyOptions) =>
    <C extends Columns & { cell: Uint32 }>(
      batches: Observable<RecordBatch<C>>,
    ): Observable<RecordBatch<C & Accuracy>> =>
      defer(() => from(accuraciesOf(benchmark))).pipe(
        switchMap((known) =>
          batches.pipe(
            map((batch) => {
              const cells = values(batch, 'cell') as Uint32Array;
              const columns = {
                validation: new Float64Array(cells.length),
                test: new Float64Array(cells.length),
              };
              for (const [row, cell] of cells.entries()) {
                const id = benchmark.space.idOf(cell);
                columns.validation[row] = known.validation[id] ?? Number.NaN;
                columns.test[row] = known.test[id] ?? Number.NaN;
              }
              return withColumns(batch, schema, columns);
            }),
          ),
        ),
      ),
);

/** Mean accuracies by the cell's place in the space. */
async function accuraciesOf(benchmark: Benchmark): Promise<{ validation: Float64Array; test: Float64Array }> {
  const { space, name } = benchmark;
  const listed = benchmark.list?.();
  if (!listed) throw dataError(`the cells of ${name} cannot be listed`, 'give a benchmark that is a table');
  const validation = new Float64Array(space.size).fill(Number.NaN);
  const test = validation.slice();
  for (const cell of listed) {
    await breathe();
    const known = await benchmark.lookup(cell);
    const id = space.idOf(cell);
    validation[id] = mean(known.validation);
    test[id] = mean(known.test);
  }
  return { validation, test };
}

const mean = (repeats: readonly number[]) => repeats.reduce((sum, value) => sum + value, 0) / repeats.length;
