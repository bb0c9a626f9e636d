import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import {
  CompressionType,
  compressionRegistry,
  DataType,
  type RecordBatch,
  RecordBatchReader,
  type Vector,
} from 'apache-arrow';
import { compressors } from 'hyparquet-compressors';
import { dataError } from '../../errors.js';
import { checkArrow } from './arrowCheck.js';
import { lz4Frame } from './lz4Frame.js';
import type { SourceChunk, TableSource } from './source.js';

// What pandas and pyarrow write as Feather is compressed unless it is asked not to be.
compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: lz4Frame });
// A copy: columns are read in place, from multiples of their width.
compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => compressors.ZSTD!(bytes, 0).slice() });

/** An Arrow IPC file (Feather) or stream, a record batch at a time. Columns of lists or structures are left out. */
export async function openArrow(path: string): Promise<TableSource> {
  await damage(path, async () => checkArrow(path));
  const columns = await onReader(path, async (reader) =>
    reader.schema.fields.filter(({ type }) => isPlain(type)).map(({ name }) => name),
  );
  const { size: total } = statSync(path);
  return {
    path,
    columns,
    total,
    async *chunks(wanted): AsyncGenerator<SourceChunk> {
      const handle = await open(path);
      try {
        const reader = await damage(path, async () => (await RecordBatchReader.from(handle)).open());
        let done = 0;
        for (;;) {
          const { value: batch } = await damage(
            path,
            () => reader.next() as Promise<IteratorResult<RecordBatch>>,
          );
          if (!batch) return;
          done = Math.min(total, done + batch.data.byteLength);
          const values = await damage(path, async () =>
            Object.fromEntries(wanted.map((name) => [name, plain(batch.getChild(name)!)])),
          );
          yield { rows: batch.numRows, values, done };
        }
      } finally {
        await handle.close().catch(() => {}); // the reader may have closed it
      }
    },
  };
}

async function onReader<T>(path: string, work: (reader: RecordBatchReader) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    return await damage(path, async () => work(await (await RecordBatchReader.from(handle)).open()));
  } finally {
    await handle.close().catch(() => {});
  }
}

/** Whatever goes wrong in the Arrow library is damage of the file. */
async function damage<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw dataError(`${path} is damaged: ${(error as Error).message}`, 'fetch or write the table again', {
      cause: error,
    });
  }
}

const isPlain = (type: DataType) =>
  DataType.isInt(type) ||
  DataType.isFloat(type) ||
  DataType.isUtf8(type) ||
  DataType.isLargeUtf8(type) ||
  DataType.isDictionary(type) ||
  DataType.isBool(type);

function plain(column: Vector): ArrayLike<unknown> {
  const numeric = DataType.isInt(column.type) || DataType.isFloat(column.type);
  return numeric && column.nullCount === 0 ? column.toArray() : [...column];
}
