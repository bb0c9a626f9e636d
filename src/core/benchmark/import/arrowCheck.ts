import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Table } from '../../batch/flatbuffer.js';

/*
 * apache-arrow believes the counts that a file states, and makes so many columns and buffers of nothing: each has to have room for its
 * elements. Field numbers are those of Arrow's Schema.fbs, Message.fbs and File.fbs.
 */

const mostMessage = 1 << 26;
const mostFields = 100_000;
/** Of a batch: more than the cells of any table. */
const mostRows = 2 ** 22;
const SCHEMA = 1;
const DICTIONARY = 2;
const RECORD_BATCH = 3;

/** Look through the footer and the messages of an Arrow file or stream. @throws an Error or RangeError where one states more than it holds */
export function checkArrow(path: string): void {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const read = (offset: number, length: number) => {
      if (!(offset >= 0 && length >= 0 && length <= mostMessage && offset + length <= size))
        throw new Error('a part lies outside of it');
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, offset);
      return bytes;
    };
    const isFile = size >= 20 && read(0, 6).toString('latin1') === 'ARROW1';
    if (isFile) {
      if (read(size - 6, 6).toString('latin1') !== 'ARROW1') throw new Error('its end is missing');
      const length = read(size - 10, 4).readInt32LE();
      const bytes = read(size - 10 - length, length);
      const footer = Table.root(bytes);
      counts(bytes, footer, [2, 3], 24); // dictionaries and batches
      counts(bytes, footer, [4]); // metadata
      schema(bytes, footer.table(1));
      for (const vector of [2, 3])
        for (let i = 0; i < footer.count(vector); i++) {
          // A block is three words: offset, length of the message (int32) and of the body.
          const word = (k: number) => footer.pairAt(vector, k >> 1)[k & 1]!;
          const head = read(word(3 * i), word(3 * i + 1) % 2 ** 32);
          if (head.readInt32LE() !== -1) throw new Error('it is from before 2019');
          message(head.subarray(8));
        }
    }
    for (let at = 0; !isFile && at + 8 <= size; ) {
      const head = read(at, 8);
      const length = head.readInt32LE(4);
      if (length === 0) return;
      if (head.readInt32LE() !== -1) throw new Error('it is no Arrow stream, or one from before 2019');
      const body = message(read(at + 8, length));
      if (body < 0 || body > size) throw new Error('a message is longer than the file');
      at += 8 + length + body;
    }
  } finally {
    closeSync(fd);
  }
}

/** Checks a message; gives the bytes of its body. */
function message(bytes: Buffer): number {
  const root = Table.root(bytes);
  const header = root.table(2);
  const kind = root.uint8(1);
  if (kind === SCHEMA) schema(bytes, header);
  else if (kind === RECORD_BATCH) batch(bytes, header);
  else if (kind === DICTIONARY) batch(bytes, header.table(1));
  return root.int64(3);
}

/** Rows, the lengths of columns, and how many of these and of buffers there are. */
function batch(bytes: Buffer, table: Table): void {
  counts(bytes, table, [1, 2], 16);
  const lengths = Array.from({ length: table.count(1) }, (_, i) => table.pairAt(1, i)[0]);
  for (const rows of [table.int64(0), ...lengths])
    if (!(rows >= 0 && rows <= mostRows)) throw new Error(`it states ${rows} rows, more than ${mostRows}`);
}

function schema(bytes: Buffer, table: Table): void {
  counts(bytes, table, [1, 2, 3]);
  let seen = 0;
  const visit = (parent: Table, vector: number, depth: number) => {
    counts(bytes, parent, [vector]);
    for (let i = 0; i < parent.count(vector); i++) {
      if (++seen > mostFields || depth > 16) throw new Error('its columns lie in each other without end');
      const field = parent.tableAt(vector, i);
      counts(bytes, field, [6]); // metadata
      visit(field, 5, depth + 1); // children
    }
  };
  visit(table, 1, 0);
}

function counts(bytes: Buffer, table: Table, vectors: readonly number[], width = 4): void {
  for (const vector of vectors)
    if (width * table.count(vector) > bytes.length) throw new Error('it states more than it holds');
}
