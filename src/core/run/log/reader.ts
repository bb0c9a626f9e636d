import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { Columns } from '../../batch/index.js';
import { decodeBatch, decodeSchema } from '../../batch/ipc.js';
import { dataError } from '../../errors.js';
import { onStorage, storageError } from '../files.js';
import {
  decodeFrameHeader,
  type Fault,
  type FrameHeader,
  faultOfFileHeader,
  faultOfPayload,
  fileHeaderBytes,
  frameHeaderBytes,
  frameMarker,
  frameType,
} from './frame.js';
import type { LogPosition } from './position.js';

/** Rows of one event, as they stand in the log. */
export interface LogRecord<T extends Columns = Columns> {
  event: string;
  batch: RecordBatch<T>;
  /** Index of the batch's first row among the rows of its event. */
  row: number;
  /** Number of the record in the log, from 0. */
  record: number;
  /** Byte at which it begins. */
  offset: number;
  /** Milliseconds since 1970 at which the first row was appended. */
  time: number;
}

/** The end of a log that an interrupted write has left behind. */
export interface LogDamage {
  /** Byte at which the last whole record ends. */
  offset: number;
  /** Number of the record that is not whole. */
  record: number;
  reason: string;
  /** Bytes from `offset` to the end of the file. */
  bytes: number;
}

export interface LogSchema {
  event: string;
  schema: Schema<Columns>;
}

/** What is known when all whole records were read. */
export interface LogEnd {
  position: LogPosition;
  /** By schema number. */
  schemas: readonly LogSchema[];
  /** Present where the file goes on after the last whole record. */
  torn?: LogDamage;
}

export interface ReadLogOptions {
  /** Only these events; the others are checked but not decoded. */
  events?: readonly string[];
  /** Called before the end where the last record is not whole; by default that is no error. */
  onTorn?: (damage: LogDamage) => void;
}

/**
 * The rows of a log, one record at a time: memory is bounded by the largest record (64 MiB), the file is closed when the
 * iteration ends in whatever way. A log that is being written is read up to where it stood at the start.
 *
 * Every record is checked against its checksums and its number. Throws exit code 3 where one is damaged or missing in the
 * middle, naming byte and record; it is never skipped. A last record that is not whole ends the iteration.
 */
export function* readLog(path: string, options: ReadLogOptions = {}): Generator<LogRecord, LogEnd> {
  const { events, onTorn } = options;
  const fd = openLog(path);
  try {
    const frames = new Walk(path, fd).frames();
    for (;;) {
      const next = frames.next();
      if (next.done) {
        if (next.value.torn) onTorn?.(next.value.torn);
        return next.value;
      }
      if (events && !events.includes(next.value.event)) continue;
      yield recordOf(path, next.value);
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * A log that may grow: {@link next} gives the records that have become whole since the last call. Errors as {@link readLog}, but a last
 * record that is not whole is one that is still being written.
 */
export class GrowingLog {
  #walk: Walk;
  /** Rows given out, by event. */
  readonly #given: Map<string, number>;

  /** @param after rows to pass over, by event */
  constructor(
    readonly path: string,
    after: Readonly<Record<string, number>> = {},
  ) {
    this.#walk = new Walk(path, openLog(path));
    this.#given = new Map(Object.entries(after));
  }

  *next(): Generator<LogRecord> {
    if (this.#wasCutBack()) {
      // A run that was resumed logs the same rows again, from its checkpoint on.
      this.close();
      this.#walk = new Walk(this.path, openLog(this.path));
    }
    for (const frame of this.#walk.frames()) {
      const record = recordOf(this.path, frame);
      const end = record.row + record.batch.numRows;
      const given = this.#given.get(record.event) ?? 0;
      if (end <= given) continue;
      this.#given.set(record.event, end);
      const skip = Math.max(0, given - record.row);
      yield skip === 0 ? record : { ...record, row: given, batch: record.batch.slice(skip) };
    }
  }

  #wasCutBack(): boolean {
    const { ino } = fstatSync(this.#walk.fd);
    return statSync(this.path, { throwIfNoEntry: false })?.ino !== ino || this.#walk.isStale();
  }

  close(): void {
    closeSync(this.#walk.fd);
  }
}

function recordOf(path: string, { event, header, offset, schema, payload }: Frame): LogRecord {
  const batch = decoded(path, header, offset, () => decodeBatch(schema, payload, header.rows));
  return { event, batch, row: header.row, record: header.record, offset, time: header.time };
}

/** Checks a log from its start up to `until` bytes or to its last whole record. Throws as {@link readLog} does. */
export function scanLog(path: string, until = Number.POSITIVE_INFINITY): LogEnd {
  const fd = openLog(path);
  try {
    const frames = new Walk(path, fd).frames(until);
    for (;;) {
      const next = frames.next();
      if (next.done) return next.value;
    }
  } finally {
    closeSync(fd);
  }
}

function openLog(path: string): number {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    const fd = openSync(path, flags);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw dataError(`${path} is missing`, 'is this the folder of a run?', { cause: error });
    }
    if (code !== 'ELOOP') throw storageError(error, path);
  }
  throw dataError(`${path} is not a regular file`, 'a run folder holds its log itself, not a link to it');
}

interface Frame {
  event: string;
  schema: Schema<Columns>;
  header: FrameHeader;
  offset: number;
  payload: Buffer;
}

/** A walk over the frames of an open log; {@link frames} goes on where it stopped, for a log that has grown since. */
class Walk {
  readonly #schemas: LogSchema[] = [];
  readonly #rows = new Map<string, number>();
  #record = 0;
  #offset = fileHeaderBytes;
  /** Where the last whole record begins, and its header. */
  #last: { offset: number; header: Buffer } | undefined;

  constructor(
    readonly path: string,
    readonly fd: number,
  ) {}

  /** Whether what was read is no longer there: the log was cut back, and may have grown again since. */
  isStale(): boolean {
    if (fstatSync(this.fd).size < this.#offset) return true;
    if (!this.#last) return false;
    const { offset, header } = this.#last;
    return !read(this.path, this.fd, offset, frameHeaderBytes).equals(header);
  }

  /** The frames up to where the log stands now. */
  *frames(until = Number.POSITIVE_INFINITY): Generator<Frame, LogEnd> {
    const { path, fd } = this;
    const size = fstatSync(fd).size;
    const end = (fault?: Fault, at = this.#offset): LogEnd => ({
      position: { bytes: at, records: this.#record, rows: Object.fromEntries(this.#rows) },
      schemas: this.#schemas,
      ...(fault && { torn: { offset: at, record: this.#record, reason: fault.reason, bytes: size - at } }),
    });

    const fileFault = faultOfFileHeader(read(path, fd, 0, Math.min(size, fileHeaderBytes)));
    if (fileFault && size < fileHeaderBytes) return end({ reason: 'its first bytes are cut', torn: true }, 0);
    if (fileFault) throw dataError(`${path} cannot be read: ${fileFault}`, 'is it the log of a run?');

    while (this.#offset < Math.min(size, until)) {
      const offset = this.#offset;
      const record = this.#record;
      const bytes = read(path, fd, offset, frameHeaderBytes);
      const header = decodeFrameHeader(bytes);
      let fault: Fault | undefined;
      if ('reason' in header) fault = header;
      else {
        const start = offset + frameHeaderBytes;
        const payload = read(path, fd, start, Math.min(header.length, size - start));
        fault = faultOfPayload(header, payload);
        if (!fault) {
          if (header.record !== record) {
            throw damaged(
              path,
              offset,
              record,
              `it has number ${header.record}: records are missing or were put in`,
            );
          }
          let frame: Frame | undefined;
          if (header.type === frameType.schema) {
            if (header.schema !== this.#schemas.length)
              throw damaged(path, offset, record, 'its schema is out of order');
            this.#schemas.push(decoded(path, header, offset, () => decodeLogSchema(payload)));
          } else {
            const known = header.type === frameType.rows ? this.#schemas[header.schema] : undefined;
            if (!known) throw damaged(path, offset, record, `it is of an unknown kind (${header.type})`);
            const before = this.#rows.get(known.event) ?? 0;
            if (header.row !== before) {
              const reason = `it begins at row ${header.row} of '${known.event}', expected ${before}`;
              throw damaged(path, offset, record, reason);
            }
            frame = { ...known, header, offset, payload };
            this.#rows.set(known.event, before + header.rows);
          }
          this.#record++;
          this.#last = { offset, header: bytes };
          this.#offset = start + header.length;
          if (frame) yield frame;
          continue;
        }
      }
      const later = fault.torn ? findFrame(path, fd, offset + 1, size) : undefined;
      if (!fault.torn || later !== undefined) {
        const more = later === undefined ? '' : `; whole records follow at byte ${later}`;
        throw damaged(path, offset, record, fault.reason + more);
      }
      return end(fault);
    }
    return end();
  }
}

function decodeLogSchema(payload: Buffer): LogSchema {
  const start = 4 + payload.readUInt32LE(0);
  if (start === 4 || start > Math.min(payload.length, 260))
    throw new RangeError('the event has no proper name');
  return { event: payload.toString('utf8', 4, start), schema: decodeSchema(payload.subarray(start)) };
}

const damaged = (path: string, offset: number, record: number, reason: string) =>
  dataError(
    `${path} is damaged at byte ${offset}, record ${record}: ${reason}`,
    'the records before it are intact (`rxnas export` reads them from a copy that is cut there); restore the file from a backup, or run again',
  );

/** A record whose checksums are right but whose content is not was never written by rxnas. */
function decoded<R>(path: string, { record }: FrameHeader, offset: number, decode: () => R): R {
  try {
    return decode();
  } catch (error) {
    throw damaged(
      path,
      offset,
      record,
      `its content is not what its schema says (${(error as Error).message})`,
    );
  }
}

/** Up to `length` bytes, in memory of their own (aligned, as Arrow needs it). */
function read(path: string, fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(Math.max(0, length)));
  let done = 0;
  while (done < bytes.length) {
    const count = onStorage(path, () => readSync(fd, bytes, done, bytes.length - done, offset + done));
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

const searchBytes = 2 ** 20;

/** Byte of the first whole record header at or after `from`, or undefined. */
function findFrame(path: string, fd: number, from: number, size: number): number | undefined {
  for (let start = from; start < size; start += searchBytes) {
    const window = read(path, fd, start, searchBytes + frameHeaderBytes);
    let at = window.indexOf(frameMarker);
    while (at !== -1 && at < searchBytes) {
      if (!('reason' in decodeFrameHeader(window.subarray(at)))) return start + at;
      at = window.indexOf(frameMarker, at + 1);
    }
  }
  return undefined;
}
