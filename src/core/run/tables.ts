import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Data, Schema } from 'apache-arrow';
import { type Columns, cellAt, isList, rowsOf, valuesOf } from '../batch/index.js';
import { dataError, usageError } from '../errors.js';
import { ArrowSink } from './arrowSink.js';
import { csvCell } from './csv.js';
import { isTemporary, NewFile, onStorage } from './files.js';
import { type LogRecord, readLog } from './log/reader.js';
import { ParquetColumnSink } from './parquet/columnSink.js';
import { ParquetRowSink } from './parquet/rowSink.js';

/** The tables of a run, each the rows of one event: of the first of these that the run has logged. */
export const tableEvents = {
  metrics: ['step', 'train'],
  queries: ['query'],
  results: ['result'],
  summaries: ['summary'],
  embeddings: ['embedding'],
  stages: ['stage'],
} as const;
export type TableName = keyof typeof tableEvents;
export const tableNames = Object.keys(tableEvents) as TableName[];

export const exportFormats = ['parquet', 'arrow', 'csv'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export const logFile = (dir: string) => join(dir, 'events.log');

/** A sink of one table in one file. */
interface TableSink {
  write(record: LogRecord): Promise<void> | void;
  close(): Promise<void>;
  discard(): void;
}

/** The rows of a table, record by record. Throws exit code 3 where their schema changes on the way. */
function* tableRecords(log: string, table: TableName, onTorn?: () => void): Generator<LogRecord> {
  let event: string | undefined;
  let first: Schema | undefined;
  const options = { events: tableEvents[table], ...(onTorn && { onTorn }) };
  for (const record of readLog(log, options)) {
    event ??= record.event;
    if (record.event !== event) continue;
    first ??= record.batch.schema;
    if (String(record.batch.schema) !== String(first)) {
      throw dataError(
        `the rows of '${event}' change their columns at record ${record.record} of ${log}`,
        'they do not fit one table; replay the run to read them',
      );
    }
    yield record;
  }
}

/** Rows a part file holds before the next one is begun. */
const rowsPerPart = 1_000_000;

/**
 * Write the Parquet files of a run anew from its log: `metrics-000.parquet`, `queries-…`, `embeddings-…`, a part for every million
 * rows. Each is replaced whole, so that a file that is there can always be read; parts that are no longer needed are removed
 * last. Returns the rows of each table that has any.
 */
export async function projectTables(dir: string): Promise<Partial<Record<TableName, number>>> {
  const counts: Partial<Record<TableName, number>> = {};
  removeTemporary(dir);
  for (const table of tableNames) {
    const files: string[] = [];
    let sink: TableSink | undefined;
    let partRows = 0;
    try {
      for (const record of tableRecords(logFile(dir), table)) {
        if (sink && partRows >= rowsPerPart) {
          await sink.close();
          sink = undefined;
        }
        if (!sink) {
          const name = `${table}-${String(files.length).padStart(3, '0')}.parquet`;
          sink = parquetSink(join(dir, name), record.batch.schema, table);
          files.push(name);
          partRows = 0;
        }
        await sink.write(record);
        partRows += record.batch.numRows;
        counts[table] = (counts[table] ?? 0) + record.batch.numRows;
      }
      await sink?.close();
    } catch (error) {
      sink?.discard();
      throw error;
    }
    const stale = tableFiles(dir, table).filter((name) => !files.includes(name));
    for (const name of stale) rmSync(join(dir, name), { force: true });
  }
  return counts;
}

/** Names of the Parquet files of a table that are there. */
export function tableFiles(dir: string, table: TableName): string[] {
  const pattern = new RegExp(`^${table}-\\d{3,}\\.parquet$`);
  return onStorage(dir, () => readdirSync(dir))
    .filter((name) => pattern.test(name))
    .sort();
}

/** Remove what a process that ended in the middle had begun to write. */
export function removeTemporary(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of onStorage(folder, () => readdirSync(folder))) {
    if (isTemporary(name)) rmSync(join(folder, name), { force: true });
  }
}

/**
 * Write a table of a run into one file, from the log: `arrow` is the IPC file format, `csv` has a column for each coordinate of
 * an embedding (`embedding_0`, …) and every number in the shortest form that reads back equal. Memory is bounded by the largest record and row
 * group. An existing file is replaced once the new one is whole.
 *
 * Throws exit code 3 where the run has no such rows, 2 where `out` is a folder.
 */
export async function exportTable(
  runDir: string,
  table: TableName,
  format: ExportFormat,
  out: string,
): Promise<{ file: string; rows: number }> {
  const file = resolve(out);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(`${out} is a folder`, `name a file, e.g. ${join(out, `${table}.${format}`)}`);
  }
  onStorage(dirname(file), () => mkdirSync(dirname(file), { recursive: true }));
  let sink: TableSink | undefined;
  let rows = 0;
  try {
    for (const record of tableRecords(logFile(runDir), table)) {
      sink ??= sinkOf(format, file, record.batch.schema, table);
      await sink.write(record);
      rows += record.batch.numRows;
    }
    if (!sink) {
      throw dataError(
        `the run ${runDir} has no ${table}`,
        `its log has no rows of ${tableEvents[table].map((event) => `'${event}'`).join(' or ')}`,
      );
    }
    await sink.close();
  } catch (error) {
    sink?.discard();
    throw error;
  }
  return { file, rows };
}

function sinkOf(format: ExportFormat, file: string, schema: Schema<Columns>, table: TableName): TableSink {
  if (format === 'parquet') return parquetSink(file, schema, table);
  return format === 'arrow' ? arrowSink(file) : new CsvSink(file, schema);
}

function arrowSink(file: string): TableSink {
  const sink = new ArrowSink(file);
  return {
    write: ({ batch }) => sink.write(batch),
    close: () => sink.close(),
    discard: () => sink.discard(),
  };
}

/** Embeddings are wide and many: written by columns. The others are streams of rows. */
function parquetSink(file: string, schema: Schema<Columns>, table: TableName): TableSink {
  if (table === 'embeddings') {
    const sink = new ParquetColumnSink(file, schema);
    return {
      write: ({ batch }) => sink.write(batch),
      close: () => sink.close(),
      discard: () => sink.discard(),
    };
  }
  const sink = new ParquetRowSink(file, schema);
  return {
    async write({ batch }) {
      for (const row of rowsOf(batch)) await sink.append(row);
    },
    close: () => sink.close(),
    discard: () => sink.discard(),
  };
}

class CsvSink implements TableSink {
  readonly #file: NewFile;

  constructor(path: string, schema: Schema) {
    this.#file = new NewFile(path);
    const names = schema.fields.flatMap(({ name, type }) =>
      isList(type) ? Array.from({ length: type.listSize }, (_, i) => `${name}_${i}`) : [name],
    );
    this.#line(names);
  }

  write({ batch }: LogRecord): void {
    const columns = batch.data.children.map(csvColumn);
    let text = '';
    for (let row = 0; row < batch.numRows; row++) {
      for (let c = 0; c < columns.length; c++) text += (c === 0 ? '' : ',') + columns[c]!(row);
      text += '\n';
    }
    this.#file.write(Buffer.from(text));
  }

  #line(cells: readonly string[]): void {
    this.#file.write(Buffer.from(`${cells.map(csvCell).join(',')}\n`));
  }

  close(): Promise<void> {
    return this.#file.commit();
  }

  discard(): void {
    this.#file.discard();
  }
}

/** The text of a column's rows. */
function csvColumn(data: Data): (row: number) => string {
  const values = valuesOf(data);
  if (!isList(data.type)) return (row) => csvCell(cellAt(data, values, row));
  const size = data.type.listSize;
  return (row) => {
    if (data.nullCount > 0 && !data.getValid(row)) return ','.repeat(size - 1);
    let text = csvCell(values[row * size]);
    for (let i = 1; i < size; i++) text += `,${csvCell(values[row * size + i])}`;
    return text;
  };
}
