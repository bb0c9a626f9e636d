import { type FileHandle, open } from 'node:fs/promises';
import { dataError } from '../../errors.js';
import { onStorage } from '../../run/files.js';
import { maskedCrc32c } from './crc32c.js';

/*
 * TFRecord files: uint64 length | uint32 masked CRC-32C of the length | data | uint32 masked CRC-32C of the data, little-endian, one
 * record after the other (tensorflow/core/lib/io/record_writer.h).
 */

const HEADER = 12;
const FOOTER = 4;
const chunkBytes = 1 << 22;

/** Whole records that were read at once. */
export interface RecordChunk {
  /** Their bytes; overwritten when the next chunk is asked for. */
  readonly bytes: Buffer;
  /** Where each record's data begin and end in `bytes`, in turn. */
  readonly bounds: readonly number[];
  /** Number of the first record in the file, from 0. */
  readonly first: number;
  /** Offset of `bytes[0]` in the file. */
  readonly offset: number;
}

/** How an error names a record. */
export const recordName = (path: string, record: number, offset: number) =>
  `${path}: record ${record.toLocaleString('en-US')} at byte ${offset.toLocaleString('en-US')}`;

/** Whether the bytes begin as a TFRecord file does. */
export const beginsAsTfRecord = (bytes: Buffer): boolean =>
  bytes.length >= HEADER && bytes.readUInt32LE(8) === maskedCrc32c(bytes, 0, 8);

/**
 * The records of a TFRecord file, a few megabytes at a time, every checksum compared. Throws exit code 3 where the file is cut or
 * damaged, naming the record and its offset; the memory is bounded whatever the file says of itself.
 *
 * @param limit bytes that a record may have
 */
export async function* tfRecordChunks(path: string, limit: number): AsyncGenerator<RecordChunk> {
  const file = await open(path).catch((error) => onStorage(path, () => Promise.reject(error)));
  try {
    yield* chunksOf(file, path, limit);
  } finally {
    await file.close();
  }
}

async function* chunksOf(file: FileHandle, path: string, limit: number): AsyncGenerator<RecordChunk> {
  const buffer = Buffer.alloc(chunkBytes + HEADER + limit + FOOTER);
  let held = 0; // bytes of a record that the last chunk did not end
  let offset = 0;
  let first = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, held, chunkBytes, offset + held);
    const bytes = buffer.subarray(0, held + bytesRead);
    const bounds: number[] = [];
    let at = 0;
    for (; bytes.length - at >= HEADER; ) {
      const name = () => recordName(path, first + bounds.length / 2, offset + at);
      const length = bytes.readUInt32LE(at);
      if (maskedCrc32c(bytes, at, at + 8) !== bytes.readUInt32LE(at + 8)) throw wrongLength(path, name());
      if (length > limit || bytes.readUInt32LE(at + 4) !== 0) {
        const said = bytes.readBigUInt64LE(at).toLocaleString('en-US');
        throw dataError(
          `${name()} is said to have ${said} bytes`,
          `more than ${limit.toLocaleString('en-US')} are none of this kind of file: it is another one`,
        );
      }
      const end = at + HEADER + length;
      if (bytes.length < end + FOOTER) break;
      if (maskedCrc32c(bytes, at + HEADER, end) !== bytes.readUInt32LE(end))
        throw dataError(
          `${name()} is damaged: its checksum does not fit`,
          'fetch the file again, and compare its SHA-256',
        );
      bounds.push(at + HEADER, end);
      at = end + FOOTER;
    }
    if (bounds.length > 0) yield { bytes, bounds, first, offset };
    held = bytes.length - at;
    if (bytesRead === 0) {
      if (held === 0) return;
      throw dataError(
        `${recordName(path, first + bounds.length / 2, offset + at)} is cut: the file ends after ${held} of its bytes`,
        'fetch the file again: this copy is not whole',
      );
    }
    buffer.copyWithin(0, at, bytes.length);
    first += bounds.length / 2;
    offset += at;
  }
}

const wrongLength = (path: string, name: string) =>
  name.endsWith('record 0 at byte 0')
    ? dataError(`${path} is no TFRecord file, or damaged at its begin`, 'give NAS-Bench-101’s own .tfrecord')
    : dataError(
        `${name} is damaged: its length does not fit its checksum`,
        'fetch the file again, and compare its SHA-256',
      );
