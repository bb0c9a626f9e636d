import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
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

/** More than the cells of any table. */
const mostRows = 2 ** 22;
/** A page is what a codec unpacks at once; writers make pages of about a megabyte. */
const mostPageBytes = 2 ** 28;

const again = 'fetch or write the table again';

function readBytes(path: string): Uint8Array {
  try {
    if (!statSync(path).isFile()) throw new Error('it is not a file');
    return readFileSync(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw dataError(
      missing ? `there is no file ${path}` : `cannot read ${path}: ${(error as Error).message}`,
      'check the path of the table',
    );
  }
}

function checkMarks(path: string, bytes: Uint8Array): void {
  const mark = (start: number) => String.fromCharCode(...bytes.subarray(start, start + 4));
  if (bytes.length === 0) throw dataError(`${path} is empty`, again);
  if (mark(0) !== 'PAR1') throw dataError(`${path} is no Parquet file`, 'give a table as Parquet');
  if (mark(Math.max(0, bytes.length - 4)) !== 'PAR1')
    throw dataError(`${path} is cut: its end is missing`, again);
}

function rowsOf(path: string, { num_rows, row_groups }: FileMetaData): number {
  const rows = Number(num_rows);
  if (rows === 0 || row_groups.length === 0)
    throw dataError(`${path} has no rows`, 'give a table that has some');
  if (!(rows > 0 && rows <= mostRows)) throw new Error(`it states ${num_rows} rows, more than ${mostRows}`);
  return rows;
}

/**
 * Read a Parquet file in this process, with all checks that can be made beforehand. Rejects with exit code 3; a file that was
 * made to do harm may take all memory, see `readParquetColumns`.
 */
export async function readParquetFile(
  path: string,
  choose: (all: string[]) => WantedColumns | Promise<WantedColumns>,
): Promise<ParquetColumns> {
  try {
    return await read(path, choose);
  } catch (error) {
    if (error instanceof RxnasError) throw error;
    throw dataError(`${path} is damaged: ${(error as Error).message}`, again, { cause: error });
  }
}

async function read(
  path: string,
  choose: (all: string[]) => WantedColumns | Promise<WantedColumns>,
): Promise<ParquetColumns> {
  const bytes = readBytes(path);
  checkMarks(path, bytes);
  const metadata = parquetMetadata(bytes);
  const rows = rowsOf(path, metadata);
  const present = metadata.row_groups[0]!.columns.map(({ meta_data }) => meta_data!.path_in_schema[0]!);
  const { numbers, texts } = await choose(present);
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
  const filled = new Map<string, number>();
  let foreign: RxnasError | undefined;
  await parquetRead({
    file: { byteLength: bytes.byteLength, slice: (start, end) => slice(bytes, start, end) },
    metadata,
    columns: [...numbers, ...texts],
    compressors: boundedCompressors,
    onChunk: ({ columnName, columnData, rowStart }) => {
      const fill = columns.numbers[columnName] ? fillNumbers : fillTexts;
      const bad = fill(columns, columnName, columnData, rowStart);
      filled.set(columnName, (filled.get(columnName) ?? 0) + columnData.length);
      if (bad < 0) return;
      const value = JSON.stringify(String(columnData[bad]));
      // Kept: the library does not pass on what is thrown here.
      foreign ??= dataError(
        `${path}: column '${columnName}' has ${value} in row ${rowStart + bad}`,
        `it should hold ${fill === fillNumbers ? 'numbers' : 'text'}: the table is damaged or of another kind`,
      );
    },
  });
  if (foreign) throw foreign;
  for (const name of [...numbers, ...texts]) {
    const found = filled.get(name) ?? 0;
    if (found !== rows)
      throw new Error(`column '${name}' has ${found} values, the table states ${rows} rows`);
  }
  return columns;
}

function slice(bytes: Uint8Array, start: number, end = bytes.byteLength): ArrayBuffer {
  if (!(start >= 0 && start <= end && end <= bytes.byteLength))
    throw new Error(`it refers to bytes ${start} to ${end} of ${bytes.byteLength}`);
  return new Uint8Array(bytes.subarray(start, end)).buffer; // a copy: a Buffer's slice is none
}

const boundedCompressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, decompress]) => [
    codec,
    (input: Uint8Array, length: number) => {
      if (!(length >= 0 && length <= mostPageBytes))
        throw new Error(`a page states ${length} bytes, more than ${mostPageBytes}`);
      return decompress!(input, length);
    },
  ]),
);

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
