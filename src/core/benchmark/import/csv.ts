import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { type CsvError, type Options, parse } from 'csv-parse';
import { dataError } from '../../errors.js';
import { ChunkBuilder, type SourceChunk, type TableSource } from './source.js';

const headBytes = 1 << 16;

/** A CSV or TSV file: the first line has the names; comma, semicolon or tab, whichever that line has most of. */
export async function openCsv(path: string): Promise<TableSource> {
  const options: Options = {
    bom: true,
    delimiter: delimiterOf(headOf(path)),
    skip_empty_lines: true,
    trim: true,
    max_record_size: headBytes,
  };
  const columns = await headerOf(path, options);
  const total = statSync(path).size;
  return {
    path,
    columns,
    total,
    async *chunks(wanted): AsyncGenerator<SourceChunk> {
      const places = wanted.map((name) => columns.indexOf(name));
      const builder = new ChunkBuilder(wanted);
      const input = createReadStream(path, { highWaterMark: 1 << 20 });
      const parser = input.pipe(parse({ ...options, from: 2 }));
      input.on('error', (error) => parser.destroy(error));
      try {
        for await (const row of parser as AsyncIterable<string[]>) {
          builder.add((c) => row[places[c]!]);
          if (builder.full) yield builder.take(parser.info.bytes);
        }
      } catch (error) {
        throw malformed(path, error);
      } finally {
        input.destroy();
      }
      yield builder.take(total);
    },
  };
}

async function headerOf(path: string, options: Options): Promise<string[]> {
  const input = createReadStream(path, { end: headBytes });
  try {
    for await (const row of input.pipe(parse({ ...options, to: 1 })) as AsyncIterable<string[]>) return row;
  } catch (error) {
    throw malformed(path, error);
  } finally {
    input.destroy();
  }
  throw dataError(`${path} has no rows`, 'give a table that has some');
}

function headOf(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(headBytes);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, headBytes, 0));
  } finally {
    closeSync(fd);
  }
}

function delimiterOf(head: string): string {
  const line = head.split(/\r?\n/, 1)[0]!;
  const count = (delimiter: string) => line.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, other) => (count(other) > count(best) ? other : best));
}

const malformed = (path: string, error: unknown) =>
  (error as CsvError).code?.startsWith('CSV_')
    ? dataError(
        `${path} is no CSV table: ${(error as Error).message}`,
        'every line needs as many values as the first has names',
        { cause: error },
      )
    : error;
