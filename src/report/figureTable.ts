import { Field, Float64, Schema, Utf8 } from 'apache-arrow';
import { csvCells } from '../core/run/csv.js';
import { ParquetRowSink, replaceFile } from '../core/run/index.js';
import type { FigureCell } from './figures/index.js';

/** Writes the rows of a figure as CSV or Parquet, by the ending of `file`; numbers are doubles in Parquet. All rows have the columns of the first. */
export async function writeFigureTable(
  file: string,
  rows: readonly Record<string, FigureCell>[],
): Promise<void> {
  if (file.endsWith('.csv')) {
    const cells = rows.map(csvCells);
    const text = [cells[0]?.header ?? '', ...cells.map(({ line }) => line)].join('\n');
    await replaceFile(file, `${text}\n`);
    return;
  }
  const fields = Object.entries(rows[0] ?? {}).map(
    ([name, value]) => new Field(name, typeof value === 'number' ? new Float64() : new Utf8(), false),
  );
  const sink = new ParquetRowSink(file, new Schema(fields));
  try {
    for (const row of rows) await sink.append(row);
    await sink.close();
  } catch (error) {
    sink.discard();
    throw error;
  }
}
