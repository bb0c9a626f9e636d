import { type Data, RecordBatch } from 'apache-arrow';
import { columnTypeOf } from './columns.js';
import type { ColumnTypeName, ColumnTypes } from './component.js';

/** Where an item is not what its stage has declared. */
export interface ItemFault {
  /** Index of the row within the item. */
  row: number;
  column: string;
  /** In words that follow the column's name. */
  what: string;
}

/** What the stages of a turn hand on beside a batch; see `Encoded` and `Mined`. */
interface Carrier {
  item?: unknown;
  batch?: unknown;
  activations?: { embeddings?: unknown };
  selection?: unknown;
}

/** Rows of an item: those of its batch, or the item itself. */
export function rowsIn(item: unknown): number {
  if (item instanceof RecordBatch) return item.numRows;
  const { item: inner, batch } = (item ?? {}) as Carrier;
  return inner instanceof RecordBatch || batch instanceof RecordBatch
    ? ((inner ?? batch) as RecordBatch).numRows
    : 1;
}

/** The first declared column that an item does not have, or has with another type, or with nulls. */
export function itemFault(item: unknown, columns: ColumnTypes): ItemFault | undefined {
  const row = 0;
  if (item instanceof RecordBatch) return batchFault(item, columns);
  if (typeof item !== 'object' || item === null) {
    const [column] = Object.keys(columns);
    return column === undefined
      ? undefined
      : { row, column, what: `is missing: the item is no row but ${item}` };
  }
  const carrier = item as Carrier;
  const carried = carrier.item instanceof RecordBatch ? carrier.item : carrier.batch;
  for (const [column, type] of Object.entries(columns)) {
    const own = ownValue(carrier, column, type);
    if (own === undefined && carried instanceof RecordBatch) {
      const fault = batchFault(carried, { [column]: type });
      if (fault) return fault;
    } else if (own === undefined) return { row, column, what: 'is missing' };
    else if (!fits(own, type)) return { row, column, what: `is ${shown(own)}, not ${type}` };
  }
  return undefined;
}

/** What an item holds under the name of a column, outside of its batch. */
function ownValue(item: Carrier, column: string, type: ColumnTypeName): unknown {
  if (type === 'selection') return item.selection;
  if (column === 'embedding' && item.activations) return item.activations.embeddings;
  return (item as Record<string, unknown>)[column];
}

function batchFault(batch: RecordBatch, columns: ColumnTypes): ItemFault | undefined {
  for (const [column, type] of Object.entries(columns)) {
    const index = batch.schema.fields.findIndex(({ name }) => name === column);
    if (index < 0) return { row: 0, column, what: 'is missing' };
    const found = typeName(batch, index);
    if (found !== type) return { row: 0, column, what: `is ${found}, not ${type}` };
    const data = batch.data.children[index]!;
    if (data.nullCount > 0) return { row: firstNull(data), column, what: 'is null' };
  }
  return undefined;
}

function typeName(batch: RecordBatch, index: number): string {
  const { type } = batch.schema.fields[index]!;
  try {
    return columnTypeOf(type);
  } catch {
    return String(type);
  }
}

function firstNull(data: Data): number {
  let row = 0;
  while (row < data.length && data.getValid(row)) row++;
  return row;
}

const ranges: Partial<Record<ColumnTypeName, readonly [number, number]>> = {
  uint8: [0, 0xff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  uint32: [0, 0xffff_ffff],
};

/** Whether a value of a row can stand in a column of the type. */
function fits(value: unknown, type: ColumnTypeName): boolean {
  const range = ranges[type];
  if (range) return Number.isInteger(value) && (value as number) >= range[0] && (value as number) <= range[1];
  switch (type) {
    case 'float32':
    case 'float64':
      return typeof value === 'number';
    case 'int64':
      return typeof value === 'bigint';
    case 'utf8':
      return typeof value === 'string';
    case 'int32[]':
      return value instanceof Int32Array;
    case 'float32[]':
      return value instanceof Float32Array;
    default:
      return typeof value === 'object' && value !== null;
  }
}

const shown = (value: unknown) =>
  typeof value === 'object' && value !== null
    ? `a ${value.constructor?.name ?? 'object'}`
    : JSON.stringify(value);
