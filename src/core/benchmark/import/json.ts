import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dataError } from '../../errors.js';
import { ChunkBuilder, rowsPerChunk, type SourceChunk, type TableSource } from './source.js';

/** Largest JSON document that is read: it has to be in memory as a whole. Lines of JSON have no such limit. */
const maxDocument = 256 * 1024 * 1024;
const maxLine = 1 << 20;

/** The name under which the keys of `{"KEY": {…}, …}` are a column. */
export const objectKey = 'key';

type Row = Record<string, unknown>;

/**
 * A JSON table in one of the forms it is found in: lines of objects; an array of objects; an object of arrays, one a column; an object of
 * objects, one a row (their names are the column `key`). Objects in a row become columns `outer.inner`.
 */
export async function openJson(path: string): Promise<TableSource> {
  const total = statSync(path).size;
  const first = await firstLine(path);
  return first ? lines(path, total, first) : document(path, total);
}

/** The first line, where it is an object of its own and not the whole file. */
async function firstLine(path: string): Promise<Row | undefined> {
  for await (const line of textLines(path)) {
    if (line.trim() === '') continue;
    const value = parsed(line);
    const more = statSync(path).size > Buffer.byteLength(line) + 2;
    return isObject(value) && (more || !Object.values(value).some(isTable)) ? flat(value) : undefined;
  }
  throw dataError(`${path} is empty`, 'give a table that has rows');
}

const isTable = (value: unknown) => Array.isArray(value) || isObject(value);

function lines(path: string, total: number, first: Row): TableSource {
  return {
    path,
    columns: Object.keys(first),
    total,
    async *chunks(wanted): AsyncGenerator<SourceChunk> {
      const builder = new ChunkBuilder(wanted);
      let done = 0;
      let number = 0;
      for await (const line of textLines(path)) {
        done += Buffer.byteLength(line) + 1;
        number++;
        if (line.trim() === '') continue;
        const value = parsed(line);
        if (!isObject(value)) throw dataError(`${path}: line ${number} is no JSON object`, 'give one a line');
        const row = flat(value);
        builder.add((c) => row[wanted[c]!]);
        if (builder.full) yield builder.take(Math.min(done, total));
      }
      yield builder.take(total);
    },
  };
}

async function* textLines(path: string): AsyncGenerator<string> {
  const input = createReadStream(path, { encoding: 'utf8' });
  // A line without an end must not fill the memory: the rest is for `document`, which has a limit.
  let pending = 0;
  input.on('data', (text) => {
    const end = text.lastIndexOf('\n');
    pending = end < 0 ? pending + text.length : text.length - end;
    if (pending > maxLine) input.destroy();
  });
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) yield line;
  } finally {
    input.destroy();
  }
}

function document(path: string, total: number): TableSource {
  if (total > maxDocument)
    throw dataError(
      `${path} is a JSON document of ${Math.round(total / 1024 ** 2)} MiB`,
      'write it as one JSON object a line, CSV or Parquet: those are read piece by piece',
    );
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw dataError(`${path} is not valid JSON: ${(error as Error).message}`, 'write the table again', {
      cause: error,
    });
  }
  const rows = rowsOfDocument(value);
  if (!rows || rows.length === 0)
    throw dataError(
      `${path} holds no table`,
      'expected an array of objects, an object of columns, an object of rows, or one object a line',
    );
  return {
    path,
    columns: [...new Set(rows.flatMap((row) => Object.keys(row)))],
    total,
    async *chunks(wanted): AsyncGenerator<SourceChunk> {
      for (let from = 0; from < rows.length; from += rowsPerChunk) {
        const part = rows.slice(from, from + rowsPerChunk);
        const values = Object.fromEntries(wanted.map((name) => [name, part.map((row) => row[name])]));
        yield { rows: part.length, values, done: Math.round((total * (from + part.length)) / rows.length) };
      }
    },
  };
}

function rowsOfDocument(value: unknown): Row[] | undefined {
  if (Array.isArray(value)) return value.every(isObject) ? value.map(flat) : undefined;
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  // {"column": [values]}, and what pandas writes: {"column": {"0": value, "1": value}}
  const columns = entries.map(([name, column]) => [name, valuesOfColumn(column)] as const);
  const rows = columns[0]?.[1]?.length ?? 0;
  if (rows > 0 && columns.every(([, column]) => column?.length === rows))
    return Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(columns.map(([name, column]) => [name, column![row]])),
    );
  if (!entries.every(([, row]) => isObject(row))) return undefined;
  return entries.map(([key, row]) => ({ [objectKey]: key, ...flat(row as Row) }));
}

function valuesOfColumn(column: unknown): unknown[] | undefined {
  if (Array.isArray(column)) return column;
  if (!isObject(column)) return undefined;
  return Object.keys(column).every((key, i) => key === String(i)) ? Object.values(column) : undefined;
}

function flat(row: Row): Row {
  if (!Object.values(row).some(isObject)) return row;
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      isObject(value)
        ? Object.entries(flat(value)).map(([inner, deep]) => [`${name}.${inner}`, deep])
        : [[name, value]],
    ),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
