import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileMetaData, parquetMetadata, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { dataError, RxnasError } from '../errors.js';

/** Columns of a Parquet file by name. */
export interface ParquetColumns {
  rows: number;
  /** SHA-256 of the file, hexadecimal. */
  sha256: string;
  /** One value a row; NaN where the file has none. */
  numbers: Record<string, Float64Array>;
  /** One text a row. */
  texts: Record<string, string[]>;
}

export interface WantedColumns {
  numbers: readonly string[];
  texts: readonly string[];
}

/**
 * Read columns of a Parquet file, with any of its codecs. Rejects with exit code 3 where the file is missing, empty, cut, damaged or no
 * Parquet file, where it lacks one of the columns, and where a column holds values of another kind.
 *
 * @param wanted the columns, or a function that chooses them from the names of all
 */
export async function readParquetColumns(
  path: string,
  wanted: WantedColumns | ((all: readonly string[]) => WantedColumns),
): Promise<ParquetColumns> {
  const bytes = readBytes(path);
  const metadata = readMetadata(path, bytes);
  const rows = Number(metadata.num_rows);
  if (rows === 0) throw dataError(`${path} has no rows`, 'give a table that has some');
  const present = namesOf(metadata);
  const { numbers, texts } = typeof wanted === 'function' ? wanted(present) : wanted;
  const missing = [...numbers, ...texts].filter((name) => !present.includes(name));
  if (missing.length > 0)
    throw dataError(
      `${path} is another table: it has no column ${missing.map((name) => `'${name}'`).join(', ')}`,
      `its columns are ${present.join(', ')}`,
    );

  const columns: ParquetColumns = {
    rows,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    numbers: Object.fromEntries(numbers.map((name) => [name, new Float64Array(rows)])),
    texts: Object.fromEntries(texts.map((name) => [name, new Array<string>(rows)])),
  };
  try {
    await parquetRead({
      file: { byteLength: bytes.byteLength, slice: (start, end) => arrayBuffer(bytes.subarray(start, end)) },
      metadata,
      columns: [...numbers, ...texts],
      compressors,
      onChunk: ({ columnName, columnData, rowStart }) => {
        const fill = columns.numbers[columnName] ? fillNumbers : fillTexts;
        const bad = fill(columns, columnName, columnData, rowStart);
        if (bad < 0) return;
        const value = JSON.stringify(String(columnData[bad]));
        throw dataError(
          `${path}: column '${columnName}' has ${value} in row ${rowStart + bad}`,
          `it should hold ${fill === fillNumbers ? 'numbers' : 'text'}: the table is damaged or of another kind`,
        );
      },
    });
  } catch (error) {
    throw error instanceof RxnasError ? error : damaged(path, error);
  }
  return columns;
}

/** Names of the columns of a Parquet file. Throws exit code 3 where it is none, or damaged. */
export const parquetColumnNames = (path: string): string[] => namesOf(readMetadata(path, readBytes(path)));

const namesOf = ({ row_groups }: FileMetaData): string[] =>
  row_groups[0]?.columns.map(({ meta_data }) => meta_data!.path_in_schema[0]!) ?? [];

/** Fill a column from `start` on; place of the first value that is of another kind, or -1. */
function fillNumbers(
  { numbers }: ParquetColumns,
  name: string,
  values: ArrayLike<unknown>,
  start: number,
): number {
  const column = numbers[name]!;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === 'number') column[start + i] = value;
    else if (value === null || value === undefined) column[start + i] = Number.NaN;
    else if (typeof value === 'bigint') column[start + i] = Number(value);
    else return i;
  }
  return -1;
}

function fillTexts(
  { texts }: ParquetColumns,
  name: string,
  values: ArrayLike<unknown>,
  start: number,
): number {
  const column = texts[name]!;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'string') return i;
    column[start + i] = value;
  }
  return -1;
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
    return parquetMetadata(arrayBuffer(bytes));
  } catch (error) {
    throw damaged(path, error);
  }
}

const arrayBuffer = (bytes: Buffer) =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;

const damaged = (path: string, error: unknown) =>
  dataError(
    `${path} is damaged: ${error instanceof Error ? error.message : String(error)}`,
    'fetch or write the table again',
    { cause: error },
  );
