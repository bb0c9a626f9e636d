import { closeSync, constants, fdatasync, ftruncateSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type { RecordBatch, Schema } from 'apache-arrow';
import { type Columns, RowBuffer, type RowInput, sliceBatch } from '../../batch/index.js';
import { encodeBatch, encodeSchema } from '../../batch/ipc.js';
import { dataError } from '../../errors.js';
import { onStorage, storageError, writeFully } from '../files.js';
import { encodeFileHeader, encodeFrame, fileHeaderBytes, frameType } from './frame.js';
import type { LogPosition } from './position.js';
import { type LogDamage, type LogSchema, scanLog } from './reader.js';

const fdatasyncAsync = promisify(fdatasync);

/** Rows of one event are gathered into records of at most so many rows … */
const rowsPerRecord = 1024;
/** … or written when the next row comes so many milliseconds after the first one. */
const longestWait = 1000;
/** Batches are split into records of at most so many bytes. */
const bytesPerRecord = 16 * 2 ** 20;

interface Pending {
  event: string;
  rows: RowBuffer<Columns>;
  /** Milliseconds since 1970 of the first row. */
  since: number;
}

/**
 * The append-only writer of a log; see docs/log-format.md. Calls are synchronous and in order, so that any number of
 * producers may share it. What was appended is in the file after {@link flush} and on the disk after {@link sync}.
 *
 * Where writing fails (exit code 1), the file is cut back to its last whole record, and every later call fails in the same way.
 */
export class LogWriter {
  readonly #fd: number;
  readonly #schemas: Map<string, number>;
  readonly #rows: Map<string, number>;
  #records: number;
  #bytes: number;
  #pending: Pending | undefined;
  #failed: unknown;
  #closed = false;

  private constructor(
    readonly path: string,
    fd: number,
    position: LogPosition,
    schemas: readonly LogSchema[],
  ) {
    this.#fd = fd;
    this.#bytes = position.bytes;
    this.#records = position.records;
    this.#rows = new Map(Object.entries(position.rows));
    this.#schemas = new Map(schemas.map(({ event, schema }, id) => [keyOf(event, schema), id]));
  }

  /** A new, empty log. */
  static create(path: string): LogWriter {
    return onStorage(path, () => {
      const fd = openSync(path, 'wx');
      writeFully(fd, encodeFileHeader(), 0);
      return new LogWriter(path, fd, { bytes: fileHeaderBytes, records: 0, rows: {} }, []);
    });
  }

  /**
   * Go on writing a log, after its last whole record or at `at`, a position of the same log: what lies behind is cut off. Throws exit code 3
   * where the log is damaged before that place, or ends before it.
   */
  static open(path: string, at?: LogPosition): { writer: LogWriter; torn?: LogDamage } {
    const { position, schemas, torn } = scanLog(path, at?.bytes);
    const place = { ...(at ?? position) };
    if (place.bytes !== position.bytes || place.records !== position.records) {
      const found = `it ends at byte ${position.bytes}, record ${position.records}`;
      throw dataError(
        `${path} has no record ${place.records - 1} that ends at byte ${place.bytes}: ${found}`,
        'the file was cut or exchanged; restore it from a backup',
      );
    }
    return onStorage(path, () => {
      const fd = openSync(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
      if (place.bytes < fileHeaderBytes) {
        writeFully(fd, encodeFileHeader(), 0);
        place.bytes = fileHeaderBytes;
      }
      ftruncateSync(fd, place.bytes);
      const writer = new LogWriter(path, fd, place, schemas);
      return torn ? { writer, torn } : { writer };
    });
  }

  /** Where the next record will begin; call {@link flush} first to count all rows. */
  get position(): LogPosition {
    return { bytes: this.#bytes, records: this.#records, rows: Object.fromEntries(this.#rows) };
  }

  /** Append one row. Throws a RangeError where a column cannot hold its value. */
  appendRow<T extends Columns>(event: string, schema: Schema<T>, row: RowInput<T>): void {
    this.#check();
    let pending = this.#pending;
    if (!pending || pending.event !== event || pending.rows.schema !== (schema as Schema)) {
      this.flush();
      pending = { event, rows: new RowBuffer(schema as unknown as Schema<Columns>), since: Date.now() };
    }
    pending.rows.push(row as RowInput<Columns>);
    this.#pending = pending;
    if (pending.rows.rows >= rowsPerRecord || Date.now() - pending.since >= longestWait) this.flush();
  }

  /** Append the rows of a batch. */
  appendBatch<T extends Columns>(event: string, batch: RecordBatch<T>): void {
    this.#check();
    this.flush();
    if (batch.numRows > 0) this.#writeBatch(event, batch as unknown as RecordBatch<Columns>, Date.now());
  }

  /** Hand all rows over to the operating system: they survive the end of this process. */
  flush(): void {
    this.#check();
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    this.#writeBatch(pending.event, pending.rows.drain(), pending.since);
  }

  /** {@link flush}, and wait until the disk has it: it survives a power cut. */
  async sync(): Promise<void> {
    this.flush();
    try {
      await fdatasyncAsync(this.#fd);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Flush and close; once closed, does nothing. */
  close(): void {
    if (this.#closed) return;
    try {
      if (!this.#failed) this.flush();
    } finally {
      this.#closed = true;
      closeSync(this.#fd);
    }
  }

  #check(): void {
    if (this.#failed) throw this.#failed;
    if (this.#closed) throw new Error(`${this.path} is closed`);
  }

  #writeBatch(event: string, batch: RecordBatch<Columns>, time: number): void {
    const schema = this.#schemaOf(event, batch.schema, time);
    const payload = encodeBatch(batch);
    if (payload.length > bytesPerRecord && batch.numRows > 1) {
      const half = batch.numRows >> 1;
      this.#writeBatch(event, sliceBatch(batch, 0, half), time);
      this.#writeBatch(event, sliceBatch(batch, half), time);
      return;
    }
    const rows = batch.numRows;
    const row = this.#rows.get(event) ?? 0;
    this.#write(
      encodeFrame({ type: frameType.rows, schema, rows, record: this.#records, row, time }, payload),
    );
    this.#rows.set(event, row + rows);
  }

  #schemaOf(event: string, schema: Schema<Columns>, time: number): number {
    const key = keyOf(event, schema);
    const known = this.#schemas.get(key);
    if (known !== undefined) return known;
    const id = this.#schemas.size;
    const name = Buffer.from(event);
    if (name.length < 1 || name.length > 256)
      throw new RangeError(`an event cannot have the name '${event}'`);
    const payload = Buffer.concat([Buffer.alloc(4), name, encodeSchema(schema)]);
    payload.writeUInt32LE(name.length);
    const header = { type: frameType.schema, schema: id, rows: 0, record: this.#records, row: 0, time };
    this.#write(encodeFrame(header, payload));
    this.#schemas.set(key, id);
    return id;
  }

  #write(bytes: Uint8Array): void {
    try {
      writeFully(this.#fd, bytes, this.#bytes);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#bytes += bytes.length;
    this.#records++;
  }

  #fail(error: unknown): unknown {
    this.#failed = storageError(error, this.path);
    try {
      ftruncateSync(this.#fd, this.#bytes);
    } catch {
      // The torn tail is cut off when the log is opened again.
    }
    return this.#failed;
  }
}

const keyOf = (event: string, schema: Schema) =>
  JSON.stringify([event, ...schema.fields.map(({ name, type, nullable }) => [name, String(type), nullable])]);
