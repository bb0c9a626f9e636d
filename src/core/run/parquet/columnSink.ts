import type { Data, DataType, RecordBatch, Schema } from 'apache-arrow';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { type Columns, concatBatches, isList, isUtf8, sliceBatch, valuesOf } from '../../batch/index.js';
import { NewFile } from '../files.js';
import { arrowSchemaKey, arrowSchemaValue } from './arrowSchema.js';

const rowsPerGroup = 65_536;

/**
 * Arrow batches into one Parquet file, column by column (hyparquet-writer): for wide and long tables such as embeddings. At most
 * one row group (65,536 rows) is held. The file becomes visible, whole and durable, with {@link close}.
 *
 * Every value survives bit by bit: NaN (as the canonical one), ±Infinity, −0, subnormals, int64, nulls. Lists of fixed size come back as such
 * where the reader knows Arrow, as FLOAT[] in DuckDB (`embedding::FLOAT[16]` makes them fixed there).
 */
export class ParquetColumnSink<T extends Columns> {
  readonly #file: NewFile;
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  #held: RecordBatch<T>[] = [];
  #heldRows = 0;
  #rows = 0;

  constructor(
    path: string,
    readonly schema: Schema<T>,
  ) {
    this.#file = new NewFile(path);
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: parquetSchema(schema),
      // Trained floats and hashes do not shrink, and a codec in JavaScript would take most of the time.
      codec: 'UNCOMPRESSED',
      kvMetadata: [{ key: arrowSchemaKey, value: arrowSchemaValue(schema) }],
      createdBy: 'rxnas (hyparquet-writer)',
    });
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Synchronous and in order: any number of producers may share the sink. */
  write(batch: RecordBatch<T>): void {
    let rest = batch;
    while (this.#heldRows + rest.numRows >= rowsPerGroup) {
      const taken = rowsPerGroup - this.#heldRows;
      this.#held.push(sliceBatch(rest, 0, taken));
      this.#heldRows += taken;
      rest = sliceBatch(rest, taken);
      this.#writeGroup();
    }
    if (rest.numRows === 0) return;
    this.#held.push(rest);
    this.#heldRows += rest.numRows;
  }

  async close(): Promise<void> {
    if (this.#heldRows > 0) this.#writeGroup();
    this.#writer.finish();
    this.#drain();
    await this.#file.commit();
  }

  /** Give the file up; does nothing after {@link close}. */
  discard(): void {
    this.#file.discard();
  }

  #writeGroup(): void {
    const batch = concatBatches(this.#held);
    this.#held = [];
    this.#rows += this.#heldRows;
    this.#heldRows = 0;
    const columnData = this.schema.fields.map((field, i) =>
      columnSource(field.name, batch.data.children[i] as Data),
    );
    this.#writer.write({ columnData, rowGroupSize: batch.numRows });
    this.#drain();
  }

  #drain(): void {
    this.#file.write(this.#bytes.getBytes());
    this.#bytes.index = 0; // the writer goes on counting in `offset`
  }
}

function columnSource(name: string, data: Data): ColumnSource {
  // No dictionaries for numbers: they would take 0 and −0 for one value.
  const encoding = isUtf8(data.type) ? {} : ({ encoding: 'PLAIN' } as const);
  return { name, data: cells(data), ...encoding };
}

/** A column as hyparquet-writer takes it: typed arrays where it is flat and without nulls, else plain arrays. */
function cells(data: Data): ColumnSource['data'] {
  const values = valuesOf(data);
  const size = isList(data.type) ? data.type.listSize : 0;
  const hasNulls = data.nullCount > 0;
  if (size === 0 && !hasNulls) return values as ColumnSource['data'];
  return Array.from({ length: data.length }, (_, row) => {
    if (hasNulls && !data.getValid(row)) return null;
    return size === 0
      ? values[row]
      : Array.from((values as Float32Array).subarray(row * size, (row + 1) * size));
  });
}

function parquetSchema(schema: Schema): SchemaElement[] {
  const elements: SchemaElement[] = [{ name: 'schema', num_children: schema.fields.length }];
  for (const { name, type, nullable } of schema.fields) {
    const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED';
    if (!isList(type)) elements.push({ name, repetition_type, ...elementType(type) });
    else {
      elements.push(
        { name, repetition_type, num_children: 1, converted_type: 'LIST' },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', repetition_type: 'REQUIRED', ...elementType(type.children[0]!.type) },
      );
    }
  }
  return elements;
}

function elementType(type: DataType): Pick<SchemaElement, 'type' | 'converted_type'> {
  switch (type.toString()) {
    case 'Uint8':
      return { type: 'INT32', converted_type: 'UINT_8' };
    case 'Int32':
      return { type: 'INT32' };
    case 'Uint32':
      return { type: 'INT32', converted_type: 'UINT_32' };
    case 'Int64':
      return { type: 'INT64' };
    case 'Float32':
      return { type: 'FLOAT' };
    case 'Float64':
      return { type: 'DOUBLE' };
    case 'Utf8':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8' };
    default:
      throw new TypeError(`no Parquet column for Arrow type ${type}`);
  }
}
