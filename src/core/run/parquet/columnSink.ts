import type { Data, DataType, Field, RecordBatch, Schema } from 'apache-arrow';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { writeColumn } from 'hyparquet-writer/src/column.js';
import { type Columns, concatBatches, isList, isUtf8, sliceBatch, valuesOf } from '../../batch/index.js';
import { NewFile } from '../files.js';
import { arrowSchemaKey, arrowSchemaValue } from './arrowSchema.js';

type ColumnEncoder = Parameters<typeof writeColumn>[0]['column'];
type PageData = Parameters<typeof writeColumn>[0]['pageData'];

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
  readonly #root: SchemaElement;
  #held: RecordBatch<T>[] = [];
  #heldRows = 0;
  #rows = 0;

  constructor(
    path: string,
    readonly schema: Schema<T>,
  ) {
    this.#file = new NewFile(path);
    this.#root = { name: 'schema', num_children: schema.fields.length };
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [this.#root, ...schema.fields.flatMap(schemaElements)],
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
    this.#heldRows = 0;
    this.#rows += batch.numRows;
    const start = this.#bytes.offset;
    const columns = this.schema.fields.map((field, i) => {
      const column = columnEncoder(this.#root, field);
      const pageData = shred(batch.data.children[i] as Data, field.nullable);
      const written = writeColumn({ writer: this.#bytes, column, pageData });
      this.#writer.pendingIndexes.push(written);
      return written.chunk;
    });
    const bytes = columns.reduce((sum, { meta_data }) => sum + meta_data!.total_uncompressed_size, 0n);
    const num_rows = BigInt(batch.numRows);
    this.#writer.num_rows += num_rows;
    this.#writer.row_groups.push({
      columns,
      num_rows,
      total_byte_size: bytes,
      total_compressed_size: BigInt(this.#bytes.offset - start),
    });
    this.#drain();
  }

  #drain(): void {
    this.#file.write(this.#bytes.getBytes());
    this.#bytes.index = 0; // the writer goes on counting in `offset`
  }
}

function columnEncoder(root: SchemaElement, field: Field): ColumnEncoder {
  const elements = schemaElements(field);
  const element = elements.at(-1)!;
  return {
    columnName: elements.map(({ name }) => name).join('.'),
    element,
    schemaPath: [root, ...elements],
    codec: 'UNCOMPRESSED',
    compressors: {},
    stats: true,
    pageSize: 2 ** 20,
    columnIndex: false,
    offsetIndex: false,
    // No dictionaries for numbers: they would take 0 and −0 for one value.
    ...(isUtf8(field.type) ? {} : { encoding: 'PLAIN' }),
  };
}

/**
 * Values and Dremel levels of a column. The writer's own shredding walks lists item by item, several times slower than
 * writing down the levels that lists of one size have.
 */
function shred(data: Data, nullable: boolean): PageData {
  const values = valuesOf(data);
  const size = isList(data.type) ? data.type.listSize : 0;
  const maxDefinitionLevel = (nullable ? 1 : 0) + (size > 0 ? 1 : 0);
  const hasNulls = data.nullCount > 0;
  if (!hasNulls) {
    const definitionLevels =
      maxDefinitionLevel === 0 ? [] : new Array(values.length).fill(maxDefinitionLevel);
    const repetitionLevels =
      size === 0 ? [] : Array.from({ length: values.length }, (_, i) => (i % size === 0 ? 0 : 1));
    // hyparquet-writer takes values from 2^31 on as uint32 in plain arrays only.
    const plain = values instanceof Uint32Array ? Array.from(values) : values;
    return { values: plain as PageData['values'], definitionLevels, repetitionLevels, maxDefinitionLevel };
  }
  const shredded = {
    values: [] as never[],
    definitionLevels: [] as number[],
    repetitionLevels: [] as number[],
  };
  for (let row = 0; row < data.length; row++) {
    const valid = data.getValid(row);
    for (let item = 0; item < (valid ? Math.max(1, size) : 1); item++) {
      shredded.values.push((valid ? values[row * Math.max(1, size) + item] : null) as never);
      shredded.definitionLevels.push(valid ? maxDefinitionLevel : 0);
      if (size > 0) shredded.repetitionLevels.push(item === 0 ? 0 : 1);
    }
  }
  return { ...shredded, maxDefinitionLevel };
}

/** The elements from a column's own to that of its values: one, or three of a list. */
function schemaElements({ name, type, nullable }: Field): SchemaElement[] {
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED';
  if (!isList(type)) return [{ name, repetition_type, ...elementType(type) }];
  return [
    { name, repetition_type, num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', ...elementType(type.children[0]!.type) },
  ];
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
