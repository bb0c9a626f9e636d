import { Field, FixedSizeList, Int32, type RecordBatch, Schema, Uint8, Uint32 } from 'apache-arrow';
import { type Columns, makeBatch, values } from './columns.js';

/** Token sequences: row-major [rows, length]. */
export type Tokens = FixedSizeList<Int32>;

/** Anchors on their way to mutation: `anchor` is the canonical code of a cell. */
export type AnchorColumns = { anchor: Uint32 };
export type AnchorBatch = RecordBatch<AnchorColumns>;

/**
 * Cells on their way to the encoder. `anchor`: code of the cell that this one was mutated from; `cell`: its own code; `label`:
 * class within the run (equal for an anchor and its positives); `edits`: edit distance drawn, 0 for the anchor itself;
 * `tokens`: padded token sequence.
 */
export type CellColumns = { anchor: Uint32; cell: Uint32; label: Int32; edits: Uint8; tokens: Tokens };
export type CellBatch = RecordBatch<CellColumns>;

const column = <C extends Columns[string]>(name: string, type: C) => new Field(name, type, false);

export const anchorSchema = new Schema<AnchorColumns>([column('anchor', new Uint32())]);

const cellSchemas = new Map<number, Schema<CellColumns>>();

/** Schema of {@link CellBatch} for sequences of `length` tokens. The same object for the same length. */
export function cellSchema(length: number): Schema<CellColumns> {
  let schema = cellSchemas.get(length);
  if (!schema) {
    schema = new Schema<CellColumns>([
      column('anchor', new Uint32()),
      column('cell', new Uint32()),
      column('label', new Int32()),
      column('edits', new Uint8()),
      column('tokens', new FixedSizeList(length, new Field('item', new Int32(), false))),
    ]);
    cellSchemas.set(length, schema);
  }
  return schema;
}

/** Anchors around an array of cell codes; not copied. */
export const anchorBatch = (anchor: Uint32Array): AnchorBatch => makeBatch(anchorSchema, { anchor });

/** Cells around arrays of `rows` values (`tokens`: rows · length); not copied. */
export function cellBatch(
  length: number,
  columns: {
    anchor: Uint32Array;
    cell: Uint32Array;
    label: Int32Array;
    edits: Uint8Array;
    tokens: Int32Array;
  },
): CellBatch {
  return makeBatch(cellSchema(length), columns);
}

/** The token ids of a batch, row-major [rows, length], as the engine takes them; not copied. */
export const tokensOf = <T extends Columns & { tokens: Tokens }>(batch: RecordBatch<T>): Int32Array =>
  values(batch, 'tokens') as Int32Array;

/** The class of each row; not copied. */
export const labelsOf = <T extends Columns & { label: Int32 }>(batch: RecordBatch<T>): Int32Array =>
  values(batch, 'label') as Int32Array;

/** The code of each row's cell; not copied. */
export const cellsOf = <T extends Columns & { cell: Uint32 }>(batch: RecordBatch<T>): Uint32Array =>
  values(batch, 'cell') as Uint32Array;

/** The anchor of each row; not copied. */
export const anchorsOf = <T extends Columns & { anchor: Uint32 }>(batch: RecordBatch<T>): Uint32Array =>
  values(batch, 'anchor') as Uint32Array;
