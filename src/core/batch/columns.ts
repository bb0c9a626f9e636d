import {
  type Data,
  type Field,
  type FixedSizeList,
  type Float32,
  type Float64,
  type Int32,
  type Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Type,
  type Uint8,
  type Uint32,
  type Utf8,
} from 'apache-arrow';

/** The column types that batches and event rows are made of. */
export type ColumnType =
  | Uint8
  | Int32
  | Uint32
  | Int64
  | Float32
  | Float64
  | Utf8
  | FixedSizeList<Int32>
  | FixedSizeList<Float32>;

/** Column names and types of one kind of batch; `RecordBatch<Columns>` carries them through the type checker. */
export type Columns = Record<string, ColumnType>;

/** One row as a plain object: lists are typed arrays, int64 is a bigint. */
export type Row<T extends Columns> = { [K in keyof T]: Cell<T[K]> };

type Cell<C> = C extends Utf8
  ? string
  : C extends Int64
    ? bigint
    : C extends FixedSizeList<infer Item>
      ? Item extends Int32
        ? Int32Array
        : Float32Array
      : number;

/** The typed array under a column; of a list column, its items one row after the other. */
export type Values<C> = C extends Utf8
  ? readonly string[]
  : C extends FixedSizeList<infer Item>
    ? Flat<Item>
    : Flat<C>;

type Flat<C> = C extends Uint8
  ? Uint8Array
  : C extends Int32
    ? Int32Array
    : C extends Uint32
      ? Uint32Array
      : C extends Int64
        ? BigInt64Array
        : C extends Float32
          ? Float32Array
          : Float64Array;

/** The arrays that columns of numbers lie in. */
export type NumericArray =
  | Uint8Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/**
 * A batch around typed arrays that are already there: nothing is copied but strings, and the arrays must not be written to
 * afterwards. All columns are without nulls. Throws a RangeError where lengths disagree.
 *
 * (`vectorFromArray` of apache-arrow is no way to fixed-size lists: it copies every item, and fails without a child field.)
 */
export function makeBatch<T extends Columns>(
  schema: Schema<T>,
  columns: { [K in keyof T]: Values<T[K]> },
): RecordBatch<T> {
  let rows = -1;
  const children = schema.fields.map((field) => {
    const values = columns[field.name as keyof T];
    const data = columnData(field.type, values as NumericArray | readonly string[]);
    if (rows === -1) rows = data.length;
    if (data.length !== rows) {
      throw new RangeError(`column '${field.name}' has ${data.length} rows, expected ${rows}`);
    }
    return data;
  });
  return assemble(schema, children, Math.max(0, rows));
}

/** The batch with further columns behind its own, around arrays as {@link makeBatch} takes them; nothing else is copied. */
export function withColumns<T extends Columns, M extends Columns>(
  batch: RecordBatch<T>,
  more: Schema<M>,
  columns: { [K in keyof M]: Values<M[K]> },
): RecordBatch<T & M> {
  const added = makeBatch(more, columns);
  if (added.numRows !== batch.numRows) {
    throw new RangeError(`${added.numRows} rows do not go beside ${batch.numRows}`);
  }
  const schema = new Schema<T & M>([...batch.schema.fields, ...more.fields] as Field<
    (T & M)[keyof (T & M)]
  >[]);
  return assemble(schema, [...batch.data.children, ...added.data.children], batch.numRows);
}

/** A batch of `rows` rows from columns. */
export function assemble<T extends Columns>(
  schema: Schema<T>,
  children: Data[],
  rows: number,
): RecordBatch<T> {
  const type = new Struct<T>(schema.fields as Field<T[keyof T]>[]);
  return new RecordBatch(schema, makeData({ type, length: rows, nullCount: 0, children }));
}

function columnData(type: ColumnType, values: NumericArray | readonly string[]): Data {
  if (isUtf8(type)) return utf8Data(type, values as readonly string[]);
  if (isList(type)) {
    const length = values.length / type.listSize;
    if (!Number.isInteger(length)) {
      throw new RangeError(`${values.length} values do not fill lists of ${type.listSize}`);
    }
    const child = makeData({ type: type.children[0]!.type as Float32, data: values as Float32Array });
    return makeData({ type, length, nullCount: 0, child });
  }
  return makeData({ type: type as Float64, data: values as Float64Array });
}

/** Which rows of a column are null. */
export interface Validity {
  /** Bit `row & 7` of byte `row >> 3` is 1 where the row has a value; absent = all rows have one. */
  nullBitmap?: Uint8Array;
  nullCount: number;
}

const noNulls: Validity = { nullCount: 0 };

/** A column of strings. */
export function utf8Data(type: Utf8, strings: readonly string[], validity = noNulls): Data<Utf8> {
  const valueOffsets = new Int32Array(strings.length + 1);
  let end = 0;
  for (let i = 0; i < strings.length; i++) {
    end += Buffer.byteLength(strings[i]!);
    valueOffsets[i + 1] = end;
  }
  let data = Buffer.from(strings.join(''));
  // Lone surrogates at a seam became a pair when joined.
  if (data.length !== end) data = Buffer.concat(strings.map((text) => Buffer.from(text)));
  return makeData({ type, length: strings.length, valueOffsets, data, ...validity });
}

/**
 * The typed array of a column, without a copy (of a slice: a view of its part); of a list column all items in row order. Do
 * not write to it. Strings are decoded.
 */
export function values<T extends Columns, K extends keyof T & string>(
  batch: RecordBatch<T>,
  name: K,
): Values<T[K]> {
  const index = batch.schema.fields.findIndex((field) => field.name === name);
  const data = batch.data.children[index];
  if (!data) {
    const known = batch.schema.fields.map((field) => field.name).join(', ');
    throw new TypeError(`the batch has no column '${name}', only ${known}`);
  }
  return valuesOf(data) as Values<T[K]>;
}

/** {@link values} of one column's data. */
export function valuesOf(data: Data): NumericArray | string[] {
  if (isUtf8(data.type)) return strings(data as Data<Utf8>);
  const holder = isList(data.type) ? (data.children[0] as Data) : data;
  const size = isList(data.type) ? data.type.listSize : 1;
  const array = holder.values as NumericArray;
  return array.length === data.length * size ? array : array.subarray(0, data.length * size);
}

function strings(data: Data<Utf8>): string[] {
  const { valueOffsets, length } = data;
  const bytes = asBuffer(data.values);
  const out = new Array<string>(length);
  for (let i = 0; i < length; i++) out[i] = bytes.toString('utf8', valueOffsets[i], valueOffsets[i + 1]);
  return out;
}

/** The rows of a batch as objects, one at a time; null values as `null`. */
export function* rowsOf<T extends Columns>(batch: RecordBatch<T>): Generator<Row<T>> {
  const names = batch.schema.fields.map((field) => field.name);
  const data = batch.data.children;
  const columns = data.map(valuesOf);
  for (let row = 0; row < batch.numRows; row++) {
    const out: Record<string, unknown> = {};
    for (let c = 0; c < names.length; c++) out[names[c]!] = cellAt(data[c]!, columns[c]!, row);
    yield out as Row<T>;
  }
}

/** The rows of an item that flows: of a batch, of a list, or the item itself. */
export function itemRows(item: unknown): Iterable<Record<string, unknown>> {
  if (item instanceof RecordBatch) return rowsOf(item as RecordBatch<Columns>);
  return (Array.isArray(item) ? item : [item]) as Record<string, unknown>[];
}

/** One value of a column whose {@link valuesOf} are given. */
export function cellAt(data: Data, column: NumericArray | string[], row: number): unknown {
  if (data.nullCount > 0 && !data.getValid(row)) return null;
  if (!isList(data.type)) return column[row];
  const size = data.type.listSize;
  return (column as Int32Array).subarray(row * size, (row + 1) * size);
}

/** Rows [begin, end) without a copy. */
export function sliceBatch<T extends Columns>(
  batch: RecordBatch<T>,
  begin: number,
  end: number = batch.numRows,
): RecordBatch<T> {
  return batch.slice(begin, end);
}

/** All rows in one batch: one copy of each column, none where there is one batch only. At least one batch; equal schemas. */
export function concatBatches<T extends Columns>(batches: readonly RecordBatch<T>[]): RecordBatch<T> {
  const first = batches[0];
  if (!first) throw new RangeError('nothing to concatenate');
  if (batches.length === 1) return first;
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  const children = first.schema.fields.map((field, c) => {
    const parts = batches.map((batch) => batch.data.children[c] as Data);
    for (const { type } of parts) {
      if (type?.toString() !== field.type.toString()) {
        throw new TypeError(`column '${field.name}' is ${type} in one batch and ${field.type} in another`);
      }
    }
    return concatColumn(parts, rows);
  });
  return assemble(first.schema, children, rows);
}

function concatColumn(parts: readonly Data[], length: number): Data {
  const type = parts[0]!.type;
  const validity = parts.some((part) => part.nullCount > 0) ? concatValidity(parts, length) : noNulls;
  if (isUtf8(type)) {
    const valueOffsets = new Int32Array(length + 1);
    const chunks: Uint8Array[] = [];
    let row = 0;
    let end = 0;
    for (const part of parts as Data<Utf8>[]) {
      const from = part.valueOffsets[0] ?? 0;
      for (let i = 1; i <= part.length; i++) valueOffsets[++row] = end + part.valueOffsets[i]! - from;
      chunks.push(part.values.subarray(from, part.valueOffsets[part.length] ?? from));
      end = valueOffsets[row]!;
    }
    return makeData({ type, length, valueOffsets, data: Buffer.concat(chunks), ...validity });
  }
  const arrays = parts.map((part) => valuesOf(part) as Float64Array);
  const total = arrays.reduce((sum, array) => sum + array.length, 0);
  const data = new (arrays[0]!.constructor as Float64ArrayConstructor)(total);
  let offset = 0;
  for (const array of arrays) {
    data.set(array, offset);
    offset += array.length;
  }
  if (!isList(type)) return makeData({ type: type as Float64, length, data, ...validity });
  const child = makeData({ type: type.children[0]!.type as Float64, data });
  return makeData({ type, length, child, ...validity });
}

function concatValidity(parts: readonly Data[], length: number): Validity {
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  let row = 0;
  let nullCount = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++, row++) {
      if (part.getValid(i)) nullBitmap[row >> 3]! |= 1 << (row & 7);
      else nullCount++;
    }
  }
  return { nullBitmap, nullCount };
}

export const isUtf8 = (type: { typeId: Type }): type is Utf8 => type.typeId === Type.Utf8;
export const isList = (type: { typeId: Type }): type is FixedSizeList => type.typeId === Type.FixedSizeList;

/** The same bytes as a Buffer. */
const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
