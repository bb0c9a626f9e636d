import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type AsyncBuffer, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { dataError, RxnasError } from '../../errors.js';
import type { SourceChunk, TableSource } from './source.js';

/** A Parquet file of any codec, a row group at a time. Columns of lists or structures are left out. */
export async function openParquet(path: string): Promise<TableSource> {
  const metadata = await reading(path, (file) => parquetMetadataAsync(file));
  const groups = metadata.row_groups;
  const first = groups[0];
  if (!first) throw dataError(`${path} has no rows`, 'give a table that has some');
  const columns = first.columns.flatMap(({ meta_data }) =>
    meta_data?.path_in_schema.length === 1 ? [meta_data.path_in_schema[0]!] : [],
  );
  const { size: total } = await reading(path, async (file) => ({ size: file.byteLength }));
  return {
    path,
    columns,
    total,
    async *chunks(wanted): AsyncGenerator<SourceChunk> {
      let rowStart = 0;
      for (const [i, group] of groups.entries()) {
        const rows = Number(group.num_rows);
        const values: Record<string, unknown[]> = Object.fromEntries(
          wanted.map((name) => [name, new Array<unknown>(rows)]),
        );
        const rowEnd = rowStart + rows;
        await reading(path, (file) =>
          parquetRead({
            ...{ file, metadata, compressors, rowStart, rowEnd, columns: [...wanted] },
            onChunk: ({ columnName, columnData, rowStart: at }) => {
              const column = values[columnName]!;
              const skip = Math.max(0, rowStart - at);
              const count = Math.min(columnData.length, rowEnd - at);
              for (let row = skip; row < count; row++) column[at - rowStart + row] = columnData[row];
            },
          }),
        );
        rowStart = rowEnd;
        yield { rows, values, done: Math.round((total * (i + 1)) / groups.length) };
      }
    },
  };
}

async function reading<T>(path: string, work: (file: AsyncBuffer) => Promise<T>): Promise<T> {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    return await work({
      byteLength: size,
      slice: (start, end = size) => {
        if (start < 0 || end > size || start > end) throw new Error('a part lies outside of the file');
        const bytes = new Uint8Array(end - start);
        readSync(fd, bytes, 0, bytes.length, start);
        return bytes.buffer;
      },
    });
  } catch (error) {
    if (error instanceof RxnasError) throw error;
    throw dataError(`${path} is damaged: ${(error as Error).message}`, 'fetch or write the table again', {
      cause: error,
    });
  } finally {
    closeSync(fd);
  }
}
