import { readFileSync } from 'node:fs';
import { type FileMetaData, parquetMetadata, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { dataError } from '../errors.js';

/** Columns of a Parquet file by name, one value a row; missing values are null. */
export interface ParquetColumns {
  rows: number;
  /** Throws exit code 3 where the column holds anything but numbers (and nulls, which become NaN). */
  numbers(name: string): Float64Array;
  /** Throws exit code 3 where the column holds anything but text. */
  texts(name: string): string[];
}

/**
 * Read columns of a Parquet file, with any of its codecs. Rejects with exit code 3 where the file is missing, empty, cut, damaged, no Parquet
 * file, or has not these columns.
 *
 * @param names the columns that are read, or a function that chooses them from all the names
 */
export async function readParquetColumns(
  path: string,
  names: readonly string[] | ((all: readonly string[]) => readonly string[]),
): Promise<ParquetColumns> {
  const bytes = readBytes(path);
  const file = {
    byteLength: bytes.byteLength,
    slice: (start: number, end?: number) =>
      bytes.buffer.slice(
        bytes.byteOffset + start,
        bytes.byteOffset + (end ?? bytes.byteLength),
      ) as ArrayBuffer,
  };
  const metadata = readMetadata(path, bytes);
  const rows = Number(metadata.num_rows);
  const present = (metadata.row_groups[0]?.columns ?? []).map(
    ({ meta_data }) => meta_data!.path_in_schema[0]!,
  );
  if (rows === 0) throw dataError(`${path} has no rows`, 'give a table that has some');
  const wanted = typeof names === 'function' ? names(present) : names;
  const missing = wanted.filter((name) => !present.includes(name));
  if (missing.length > 0)
    throw dataError(
      `${path} is another table: it has no column ${missing.map((name) => `'${name}'`).join(', ')}`,
      `its columns are ${present.join(', ')}`,
    );

  const columns = new Map<string, unknown[]>(wanted.map((name) => [name, new Array(rows)]));
  try {
    await parquetRead({
      file,
      metadata,
      columns: [...wanted],
      compressors,
      onChunk: ({ columnName, columnData, rowStart }) => {
        const column = columns.get(columnName)!;
        for (let i = 0; i < columnData.length; i++) column[rowStart + i] = columnData[i];
      },
    });
  } catch (error) {
    throw damaged(path, error);
  }

  const foreign = (name: string, row: number, kind: string) =>
    dataError(
      `${path}: column '${name}' has ${JSON.stringify(String(columns.get(name)![row]))} in row ${row}, which is no ${kind}`,
      'the table is damaged or of another kind',
    );
  return {
    rows,
    numbers: (name) =>
      Float64Array.from(columns.get(name)!, (value, row) => {
        if (typeof value === 'number') return value;
        if (typeof value === 'bigint') return Number(value);
        if (value === null) return Number.NaN;
        throw foreign(name, row, 'number');
      }),
    texts: (name) => {
      const column = columns.get(name)!;
      const row = column.findIndex((value) => typeof value !== 'string');
      if (row >= 0) throw foreign(name, row, 'text');
      return column as string[];
    },
  };
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw dataError(
      missing ? `there is no file ${path}` : `cannot read ${path}: ${(error as Error).message}`,
      'check the path of the table',
      { cause: error },
    );
  }
}

function readMetadata(path: string, bytes: Buffer): FileMetaData {
  if (bytes.length === 0) throw dataError(`${path} is empty`, 'fetch or write the table again');
  const magic = 'PAR1';
  if (bytes.toString('latin1', 0, 4) !== magic)
    throw dataError(`${path} is no Parquet file`, 'give a table as Parquet');
  if (bytes.toString('latin1', bytes.length - 4) !== magic)
    throw dataError(`${path} is cut: its end is missing`, 'fetch or write the table again');
  try {
    return parquetMetadata(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
    );
  } catch (error) {
    throw damaged(path, error);
  }
}

const damaged = (path: string, error: unknown) =>
  dataError(
    `${path} is damaged: ${error instanceof Error ? error.message : String(error)}`,
    'fetch or write the table again',
    { cause: error },
  );
