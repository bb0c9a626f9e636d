import { type Data, type Field, makeData, type RecordBatch, type Schema, Type } from 'apache-arrow';
import {
  assemble,
  type Columns,
  isList,
  isUtf8,
  type NumericArray,
  type Row,
  utf8Data,
  type Validity,
} from './columns.js';

/** A row in which nullable columns may be null or missing and lists may be plain arrays. */
export type RowInput<T extends Columns> = {
  [K in keyof T]: Row<T>[K] extends Float32Array | Int32Array ? ArrayLike<number> : Row<T>[K];
};

/**
 * Gathers row objects column by column and gives them out as one batch. Values that a column cannot hold exactly (an
 * int32 of 1.5, a uint8 of 300) are refused with a RangeError and nothing of the row is kept; NaN is refused for integers only.
 */
export class RowBuffer<T extends Columns> {
  readonly #columns: ColumnBuffer[];
  #rows = 0;

  constructor(readonly schema: Schema<T>) {
    this.#columns = schema.fields.map((field) => new ColumnBuffer(field));
  }

  get rows(): number {
    return this.#rows;
  }

  push(row: RowInput<T>): void {
    // Checked before the first column grows, so that a refused row leaves no trace.
    for (const column of this.#columns) column.check(row[column.field.name as keyof T]);
    for (const column of this.#columns) column.push(row[column.field.name as keyof T]);
    this.#rows++;
  }

  /** All rows since the last call; the buffer is empty afterwards and shares nothing with the batch. */
  drain(): RecordBatch<T> {
    const children = this.#columns.map((column) => column.drain(this.#rows));
    const batch = assemble(this.schema, children, this.#rows);
    this.#rows = 0;
    return batch;
  }
}

const integerRange = new Map<string, readonly [number, number]>([
  ['Uint8', [0, 0xff]],
  ['Int32', [-0x8000_0000, 0x7fff_ffff]],
  ['Uint32', [0, 0xffff_ffff]],
]);

class ColumnBuffer {
  readonly #list: number;
  readonly #utf8: boolean;
  readonly #item: Field['type'];
  readonly #range: readonly [number, number] | undefined;
  #values: number[] | bigint[] | string[] = [];
  #nulls: number[] = [];
  #row = 0;

  constructor(readonly field: Field) {
    const { type } = field;
    this.#list = isList(type) ? type.listSize : 0;
    this.#item = isList(type) ? type.children[0]!.type : type;
    this.#utf8 = isUtf8(type);
    this.#range = integerRange.get(this.#item.toString());
  }

  check(value: unknown): void {
    if (value === null || value === undefined) {
      if (!this.field.nullable) this.#refuse(value);
    } else if (this.#list > 0) {
      const items = value as ArrayLike<unknown>;
      if (items.length !== this.#list) this.#refuse(`a list of ${items.length}`);
      for (let i = 0; i < items.length; i++) this.#checkItem(items[i]);
    } else {
      this.#checkItem(value);
    }
  }

  #checkItem(value: unknown): void {
    if (this.#utf8) {
      if (typeof value !== 'string') this.#refuse(value);
    } else if (this.#item.typeId === Type.Int && this.#item.bitWidth === 64) {
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) this.#refuse(value);
    } else if (typeof value !== 'number') {
      this.#refuse(value);
    } else if (this.#range) {
      if (!Number.isInteger(value) || value < this.#range[0] || value > this.#range[1]) this.#refuse(value);
    }
  }

  #refuse(value: unknown): never {
    throw new RangeError(`column '${this.field.name}' (${this.field.type}) cannot hold ${value}`);
  }

  push(value: unknown): void {
    if (value === null || value === undefined) {
      this.#nulls.push(this.#row);
      const blank = this.#utf8 ? '' : this.#is64() ? 0n : 0;
      for (let i = 0; i < Math.max(1, this.#list); i++) (this.#values as unknown[]).push(blank);
    } else if (this.#list > 0) {
      const items = value as ArrayLike<number>;
      for (let i = 0; i < items.length; i++) (this.#values as number[]).push(items[i]!);
    } else {
      (this.#values as unknown[]).push(value);
    }
    this.#row++;
  }

  #is64(): boolean {
    return this.#item.typeId === Type.Int && this.#item.bitWidth === 64;
  }

  drain(rows: number): Data {
    const { type } = this.field;
    const validity = this.#validity(rows);
    const held = this.#values;
    this.#values = [];
    this.#nulls = [];
    this.#row = 0;
    if (isUtf8(type)) return utf8Data(type, held as string[], validity);
    const ArrayType = this.#item.ArrayType as { from(values: unknown): NumericArray };
    const data = ArrayType.from(held) as Float64Array;
    if (!isList(type)) return makeData({ type, length: rows, data, ...validity });
    return makeData({ type, length: rows, child: makeData({ type: this.#item, data }), ...validity });
  }

  #validity(rows: number): Validity {
    if (this.#nulls.length === 0) return { nullCount: 0 };
    const nullBitmap = new Uint8Array((rows + 7) >> 3).fill(0xff);
    for (const row of this.#nulls) nullBitmap[row >> 3]! &= ~(1 << (row & 7));
    return { nullBitmap, nullCount: this.#nulls.length };
  }
}
