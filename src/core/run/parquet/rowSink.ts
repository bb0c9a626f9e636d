import type { DataType, Schema } from 'apache-arrow';
import parquet, { type FieldDefinition } from 'parquetjs-lite';
import types from 'parquetjs-lite/lib/types.js';
import { type Columns, isList, type Row } from '../../batch/index.js';
import { NewFile } from '../files.js';
import { arrowSchemaKey, arrowSchemaValue } from './arrowSchema.js';

const rowsPerGroup = 16_384;

/**
 * parquetjs-lite turns values into what it stores by `parseFloat` and `parseInt`: it throws on NaN and rounds int64 beyond
 * 2^53. What it stores then is exact, so these types of our own leave the value as it is.
 */
const exact = (name: string, primitiveType: string, toPrimitive = (value: never): unknown => value) => {
  const originalType = `RXNAS_${name}`;
  types.PARQUET_LOGICAL_TYPES[originalType] = { primitiveType, originalType, toPrimitive };
  return originalType;
};
const float = exact('FLOAT', 'FLOAT');
const double = exact('DOUBLE', 'DOUBLE');
const int32 = exact('INT_32', 'INT32', (value: number) => value | 0);
const int64 = exact('INT_64', 'INT64');

/** For each Arrow type: how rows are taken in, and what the file says of the column. */
const columnTypes: Record<string, { taken: string; stored: string }> = {
  Uint8: { taken: int32, stored: 'UINT_8' },
  Int32: { taken: int32, stored: 'INT32' },
  Uint32: { taken: int32, stored: 'UINT_32' },
  Int64: { taken: int64, stored: 'INT64' },
  Float32: { taken: float, stored: 'FLOAT' },
  Float64: { taken: double, stored: 'DOUBLE' },
  Utf8: { taken: 'UTF8', stored: 'UTF8' },
};

/**
 * Rows into one Parquet file, one at a time (parquetjs-lite): for streams such as queries and metrics. The file becomes visible,
 * whole and durable, with {@link close}. No list columns: those are for the column sink.
 *
 * Un-awaited `appendRow` calls of parquetjs-lite write rows twice; here rows queue up behind one another, so that any
 * number of producers may share the sink: each row is stored once, those of one producer in their order. A producer that awaits {@link append}
 * has at most one row waiting. NaN, ±Infinity, −0, subnormals and int64 are stored bit by bit.
 */
export class ParquetRowSink<T extends Columns> {
  readonly #file: NewFile;
  readonly #writer: InstanceType<typeof parquet.ParquetWriter>;
  #tail: Promise<void> = Promise.resolve();
  #failed: unknown;
  #waiting = 0;
  #rows = 0;

  constructor(
    path: string,
    readonly schema: Schema<T>,
  ) {
    const fields = (form: 'taken' | 'stored') =>
      new parquet.ParquetSchema(
        Object.fromEntries(
          schema.fields.map(({ name, type, nullable }) => [name, field(type, nullable, form)]),
        ),
      );
    const [taken, stored] = [fields('taken'), fields('stored')];
    this.#file = new NewFile(path);
    const options = { rowGroupSize: rowsPerGroup, pageIndex: false };
    const envelope = new parquet.ParquetEnvelopeWriter(
      stored,
      async (bytes) => this.#write(bytes),
      async () => {},
      0,
      options,
    );
    this.#writer = new parquet.ParquetWriter(taken, envelope, options);
    this.#writer.setMetadata(arrowSchemaKey, arrowSchemaValue(schema));
  }

  /** Rows stored so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Rows that wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when the row has been taken in, in the order of the calls; rejects from the first error on. */
  append(row: Row<T>): Promise<void> {
    this.#waiting++;
    const turn = this.#tail.then(async () => {
      this.#waiting--;
      await this.#writer.appendRow(row);
      if (this.#failed) throw this.#failed;
      this.#rows++;
    });
    this.#tail = turn;
    turn.catch(() => {}); // an un-awaited failure is reported by close()
    return turn;
  }

  /** After the rows that wait. Rejects, and leaves nothing behind, where one of them failed. */
  async close(): Promise<void> {
    try {
      await this.#tail;
      await this.#writer.close();
      if (this.#failed) throw this.#failed;
      await this.#file.commit();
    } finally {
      this.#file.discard();
    }
  }

  /** Errors are kept, not thrown: parquetjs-lite does not wait for all of its writes. */
  #write(bytes: Buffer): void {
    if (this.#failed) return;
    try {
      this.#file.write(bytes);
    } catch (error) {
      this.#failed = error;
    }
  }

  /** Give the file up; does nothing after {@link close}. */
  discard(): void {
    this.#file.discard();
  }
}

function field(type: DataType, optional: boolean, form: 'taken' | 'stored'): FieldDefinition {
  if (isList(type)) throw new TypeError('a row sink has no list columns; use ParquetColumnSink');
  const known = columnTypes[type.toString()];
  if (!known) throw new TypeError(`no Parquet column for Arrow type ${type}`);
  // Its statistics are wrong where NaN or −0 occurs.
  return { type: known[form], optional, statistics: false };
}
