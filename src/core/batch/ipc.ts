import {
  type Data,
  type DataType,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  makeData,
  type RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Uint8,
  Uint32,
  Utf8,
} from 'apache-arrow';
import { assemble, type Columns, type ColumnType, isList, isUtf8 } from './columns.js';
import { Table } from './flatbuffer.js';

/**
 * Arrow IPC messages, of the log and of streams. They are written by apache-arrow, and read here: apache-arrow's reader believes the lengths that a
 * message states, this one checks each against the bytes that are there. Reading copies nothing.
 */

const endOfStream = 8;
const maxColumns = 1024;
const maxListSize = 65_536;

/** The encapsulated IPC schema message. */
export function encodeSchema(schema: Schema): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  writer.finish();
  const bytes = writer.toUint8Array(true);
  return bytes.subarray(0, bytes.length - endOfStream);
}

/** The encapsulated IPC record batch message, body included, without the schema. */
export function encodeBatch(batch: RecordBatch): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.write(batch);
  writer.finish();
  const bytes = writer.toUint8Array(true);
  const schemaLength = 8 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(4, true);
  return bytes.subarray(schemaLength, bytes.length - endOfStream);
}

/** A batch as a whole IPC stream: schema, batch, end. Any Arrow library reads it by itself. */
export function encodeStream(batch: RecordBatch): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

/**
 * The one batch of an IPC stream, as views of `bytes` (which must be aligned to 8). Throws a RangeError where it is malformed, compressed, has
 * columns other than {@link ColumnType}s, or holds anything but one batch.
 */
export function decodeStream(bytes: Uint8Array): RecordBatch<Columns> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const schemaEnd = 8 + view.getUint32(4, true);
  const schema = decodeSchema(bytes.subarray(0, schemaEnd));
  const bodyAt = schemaEnd + 8 + view.getUint32(schemaEnd + 4, true);
  if (bodyAt > bytes.length) throw new RangeError('the metadata leaves the message');
  const message = Table.root(bytes.subarray(schemaEnd + 8, bodyAt));
  const end = bodyAt + message.int64(3);
  const rows = message.table(2).int64(0);
  if (!(end >= bodyAt && end <= bytes.length && rows >= 0))
    throw new RangeError('the body leaves the message');
  const rest = bytes.subarray(end);
  if (rest.length > endOfStream || rest.some((byte, i) => byte !== (i < 4 ? 0xff : 0))) {
    throw new RangeError('there is more than one batch');
  }
  return decodeBatch(schema, bytes.subarray(schemaEnd, end), rows);
}

/** Message header types and the `Type` union of Arrow's Message.fbs and Schema.fbs. */
const messageSchema = 1;
const messageRecordBatch = 3;
const typeInt = 2;
const typeFloat = 3;
const typeUtf8 = 5;
const typeFixedSizeList = 16;

/** Splits an encapsulated message into its header table (of the wanted kind) and its body. */
function openMessage(bytes: Uint8Array, kind: number): { header: Table; body: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== 0xffff_ffff) throw new RangeError('no Arrow message');
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.length) throw new RangeError('the metadata leaves the message');
  const message = Table.root(bytes.subarray(8, end));
  if (message.uint8(1) !== kind) throw new RangeError(`Arrow message of kind ${message.uint8(1)}`);
  return { header: message.table(2), body: bytes.subarray(end) };
}

/** Throws a RangeError where the message is malformed or has columns other than {@link ColumnType}s. */
export function decodeSchema(bytes: Uint8Array): Schema<Columns> {
  const { header } = openMessage(bytes, messageSchema);
  if (header.int16(0) !== 0) throw new RangeError('numbers are big-endian');
  const count = header.count(1);
  if (count < 1 || count > maxColumns) throw new RangeError(`${count} columns`);
  const fields: Field[] = [];
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const field = decodeField(header.tableAt(1, i));
    if (names.has(field.name)) throw new RangeError(`two columns '${field.name}'`);
    if (field.name === '' || field.name === '__proto__') throw new RangeError(`a column '${field.name}'`);
    names.add(field.name);
    fields.push(field);
  }
  return new Schema<Columns>(fields as Field<ColumnType>[]);
}

function decodeField(field: Table): Field {
  const name = field.string(0);
  const nullable = field.uint8(1) !== 0;
  const kind = field.uint8(2);
  if (kind !== typeFixedSizeList) return new Field(name, scalarType(kind, field), nullable);
  const size = field.table(3).int32(0);
  if (size < 1 || size > maxListSize) throw new RangeError(`lists of ${size}`);
  if (field.count(5) !== 1) throw new RangeError('a list of several types');
  const item = field.tableAt(5, 0);
  const type = scalarType(item.uint8(2), item);
  if (!(type instanceof Int32 || type instanceof Float32)) throw new RangeError(`lists of ${type}`);
  return new Field(
    name,
    new FixedSizeList(size, new Field(item.string(0), type, item.uint8(1) !== 0)),
    nullable,
  );
}

function scalarType(kind: number, field: Table): DataType {
  if (kind === typeUtf8) return new Utf8();
  if (kind === typeInt) {
    const [bits, signed] = [field.table(3).int32(0), field.table(3).uint8(1) !== 0];
    if (bits === 8 && !signed) return new Uint8();
    if (bits === 32) return signed ? new Int32() : new Uint32();
    if (bits === 64 && signed) return new Int64();
    throw new RangeError(`integers of ${bits} bits`);
  }
  if (kind === typeFloat) {
    const precision = field.table(3).int16(0);
    if (precision === 1) return new Float32();
    if (precision === 2) return new Float64();
  }
  throw new RangeError(`columns of Arrow type ${kind}`);
}

/**
 * The batch of a record batch message, as views of `bytes` (which must be aligned to 8). Throws a RangeError where the
 * message is malformed or does not hold `rows` rows of the schema.
 */
export function decodeBatch<T extends Columns>(
  schema: Schema<T>,
  bytes: Uint8Array,
  rows: number,
): RecordBatch<T> {
  const { header, body } = openMessage(bytes, messageRecordBatch);
  if (header.has(3)) throw new RangeError('the body is compressed');
  if (header.int64(0) !== rows) throw new RangeError(`${header.int64(0)} rows, expected ${rows}`);
  const nodes = header.count(1);
  const buffers = header.count(2);
  let node = 0;
  let buffer = 0;

  const nextNode = (length: number): { nullCount: number; nullBitmap?: Uint8Array } => {
    if (node >= nodes) throw new RangeError('columns are missing');
    const [found, nullCount] = header.pairAt(1, node++);
    if (found !== length) throw new RangeError(`a column of ${found} values, expected ${length}`);
    const validity = nextBuffer(0);
    if (nullCount === 0) return { nullCount };
    if (!(nullCount > 0 && nullCount <= length)) throw new RangeError(`${nullCount} nulls`);
    if (validity.length < (length + 7) >> 3) throw new RangeError('the validity bits are cut');
    return { nullCount, nullBitmap: validity };
  };
  const nextBuffer = (atLeast: number): Uint8Array => {
    if (buffer >= buffers) throw new RangeError('buffers are missing');
    const [start, length] = header.pairAt(2, buffer++);
    if (!(start >= 0 && start % 8 === 0 && length >= atLeast && start + length <= body.length)) {
      throw new RangeError(`a buffer of ${length} bytes at ${start}, in a body of ${body.length}`);
    }
    return body.subarray(start, start + length);
  };
  const numbers = (type: DataType, length: number): Data => {
    const validity = nextNode(length);
    const ArrayType = type.ArrayType as Float64ArrayConstructor;
    const { buffer, byteOffset } = nextBuffer(length * ArrayType.BYTES_PER_ELEMENT);
    const data = new ArrayType(buffer as ArrayBuffer, byteOffset, length);
    return makeData({ type: type as Float64, length, data, ...validity });
  };
  const strings = (type: Utf8): Data => {
    const validity = nextNode(rows);
    const found = nextBuffer(rows === 0 ? 0 : 4 * (rows + 1));
    const valueOffsets =
      rows === 0
        ? new Int32Array(1)
        : new Int32Array(found.buffer as ArrayBuffer, found.byteOffset, rows + 1);
    const data = nextBuffer(valueOffsets[rows]!);
    for (let i = 0, last = 0; i <= rows; i++) {
      if (valueOffsets[i]! < last) throw new RangeError('string offsets run backwards');
      last = valueOffsets[i]!;
    }
    return makeData({ type, length: rows, valueOffsets, data, ...validity });
  };

  const children = schema.fields.map(({ type }: { type: DataType }): Data => {
    if (isUtf8(type)) return strings(type);
    if (!isList(type)) return numbers(type, rows);
    const validity = nextNode(rows);
    const child = numbers(type.children[0]!.type, rows * type.listSize);
    return makeData({ type, length: rows, child, ...validity });
  });
  if (node !== nodes || buffer !== buffers) throw new RangeError('there are more columns than in the schema');
  return assemble(schema, children, rows);
}
