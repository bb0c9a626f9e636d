import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { z } from 'zod';
import { itemRows } from '../core/batch/index.js';
import { csvCells } from '../core/run/csv.js';
import { NewFile, onStorage } from '../core/run/files.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import { fromEnvironment } from '../core/spec/grammar.js';

export interface WriteOptions {
  /** Ends in `.csv` or `.jsonl`. */
  file: string;
}

/**
 * Writes the rows that pass into a file, and hands them on: CSV with the columns of the first row, or a JSON document a line. The file becomes visible,
 * whole, when the stream completes; an error or an unsubscription leaves what was there before. Errors with exit code 1 where the disk is full.
 */
export const write = defineOperator(
  {
    name: 'write',
    kind: 'sink',
    summary: 'Writes rows into a CSV or JSON-lines file and hands them on',
    source: 'rxnas',
    params: z.strictObject({
      file: z
        .string()
        .regex(/\.(csv|jsonl)$|\$\{/, 'expected a name that ends in .csv or .jsonl')
        .meta(fromEnvironment)
        .describe('file that is written: .csv or .jsonl'),
    }),
    needs: ['stream'],
    input: {},
    output: {},
    passes: true,
    example: 'write: { file: steps.csv }',
  },
  ({ file }: WriteOptions): MonoTypeOperatorFunction<unknown> =>
    (source) =>
      new Observable((subscriber) => {
        const path = resolve(file);
        onStorage(path, () => mkdirSync(dirname(path), { recursive: true }));
        const target = new NewFile(path);
        const lines = file.endsWith('.csv') ? csvLines() : jsonLine;
        subscriber.add(() => target.discard()); // nothing after a commit
        subscriber.add(
          source.subscribe({
            next(item) {
              try {
                let text = '';
                for (const row of itemRows(item)) text += lines(row);
                if (text) target.write(Buffer.from(text));
              } catch (error) {
                subscriber.error(error);
                return;
              }
              subscriber.next(item);
            },
            error: (error) => subscriber.error(error),
            complete: () =>
              void target.commit().then(
                () => subscriber.complete(),
                (error) => subscriber.error(error),
              ),
          }),
        );
      }),
);

type Row = Record<string, unknown>;

/** The lines of a row; before the first one the header. */
function csvLines(): (row: Row) => string {
  let isFirst = true;
  return (row) => {
    const { header, line } = csvCells(row);
    const text = isFirst ? `${header}\n${line}\n` : `${line}\n`;
    isFirst = false;
    return text;
  };
}

/** JSON has no typed arrays, big integers and NaN. */
const jsonLine = (row: Row) =>
  `${JSON.stringify(row, (_, value: unknown) => {
    if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
    if (typeof value === 'bigint') return String(value);
    return typeof value === 'number' && !Number.isFinite(value) ? null : value;
  })}\n`;
