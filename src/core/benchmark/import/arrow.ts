import { open } from 'node:fs/promises';
import { CompressionType, compressionRegistry, DataType, RecordBatchReader, type Vector } from 'apache-arrow';
import { compressors } from 'hyparquet-compressors';
import { dataError, RxnasError } from '../../errors.js';
import { lz4Frame } from './lz4Frame.js';
import type { SourceChunk, TableSource } from './source.js';

// What pandas and pyarrow write as Feather is compressed unless it is asked not to be.
compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: lz4Frame });
compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => compressors.ZSTD!(bytes, 0) });

/** An Arrow IPC file (Feather) or stream, a record batch at a time. Columns of lists or structures are left out. */
export async function openArrow(path: string): Promise<TableSource> {
  let columns: string[] = [];
  for await (const reader of opened(path))
    columns = reader.schema.fields.filter(({ type }) => isPlain(type)).map(({ name }) => name);
  const handle = await open(path);
  const { size: total } = await handle.stat().finally(() => handle.close());
  return {
    path,
    columns,
    total,
    async *chunks(wanted): AsyncGenerator<SourceChunk> {
      for await (const reader of opened(path)) {
        let done = 0;
        for await (const batch of reader) {
          done = Math.min(total, done + batch.data.byteLength);
          const values = Object.fromEntries(
            wanted.map((name) => [name, plain(batch.getChild(name) as Vector)]),
          );
          yield { rows: batch.numRows, values, done };
        }
      }
    },
  };
}

/** The reader of a file while it is open; errors of damaged files as such. */
async function* opened(path: string): AsyncGenerator<RecordBatchReader> {
  const handle = await open(path);
  try {
    const reader = await RecordBatchReader.from(handle);
    yield await reader.open();
  } catch (error) {
    if (error instanceof RxnasError) throw error;
    throw dataError(`${path} is damaged: ${(error as Error).message}`, 'fetch or write the table again', {
      cause: error,
    });
  } finally {
    await handle.close().catch(() => {}); // the reader may have closed it
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
