import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { Field, Float32, Float64, Message, Schema, Uint32 } from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import { type ColumnType, makeBatch, type Values } from '../batch/index.js';
import { dataError, RxnasError, usageError } from '../errors.js';
import { ArrowSink } from '../run/arrowSink.js';
import { crc32 } from '../run/crc32.js';
import { onStorage, parseJson, sha256Of, storageError } from '../run/files.js';
import { Table } from '../run/log/flatbuffer.js';
import { openSpace, spaceNames } from '../space/index.js';
import type { CellCode, Space } from '../space/space.js';
import { columnName, type Figure, type FigureColumn, type NumberColumn, sortFigures } from './figures.js';
import { TableBenchmark } from './table.js';

/*
 * The table that imports end in: one Arrow IPC file of one record batch, a row a cell, no nulls and no compression, so that each column is
 * one run of bytes, read by itself and used as it is. What the columns are, where they come from and their CRC-32 is JSON in the schema's
 * metadata. docs/benchmarks.md describes it.
 */

const metadataKey = 'rxnas.benchmark';
const checksumKey = 'rxnas.benchmark.crc32';
const formatVersion = 1;
const cellColumn = 'cell';
const parametersColumn = 'parameters';

/** What a table says of itself. */
export interface CompactHeader {
  name: string;
  summary: string;
  provenance: string;
  space: Space;
}

/** All figures of a benchmark in memory. */
export interface CompactTable extends CompactHeader {
  /** Canonical codes, each once. */
  cells: Uint32Array;
  /** Trainable parameters, NaN where they are not known. */
  parameters: NumberColumn;
  figures: readonly FigureColumn[];
}

/** The metadata as JSON. */
interface Metadata {
  version: number;
  name: string;
  summary: string;
  provenance: string;
  space: string;
  /** By column name. */
  figures: Record<string, Figure>;
  /** CRC-32 of each column's bytes. */
  crc32: Record<string, number>;
}

/** Write a table; the file appears whole and durable, or not at all. */
export async function writeCompactTable(path: string, table: CompactTable): Promise<void> {
  const figures = sortFigures(table.figures);
  const columns: [name: string, type: ColumnType, values: Uint32Array | NumberColumn][] = [
    [cellColumn, new Uint32(), table.cells],
    [parametersColumn, typeOf(table.parameters), table.parameters],
    ...figures.map((figure): [string, ColumnType, NumberColumn] => [
      columnName(figure),
      typeOf(figure.values),
      figure.values,
    ]),
  ];
  const metadata: Metadata = {
    version: formatVersion,
    name: table.name,
    summary: table.summary,
    provenance: table.provenance,
    space: table.space.name,
    figures: Object.fromEntries(figures.map(({ values, ...figure }) => [columnName(figure), figure])),
    crc32: Object.fromEntries(columns.map(([name, , values]) => [name, crc32(bytesOf(values))])),
  };
  const json = JSON.stringify(metadata);
  const schema = new Schema<Record<string, ColumnType>>(
    columns.map(([name, type]) => new Field(name, type, false)),
    new Map([
      [metadataKey, json],
      [checksumKey, String(crc32(Buffer.from(json)))],
    ]),
  );
  const sink = new ArrowSink(path);
  try {
    sink.write(
      makeBatch(
        schema,
        Object.fromEntries(columns.map(([name, , values]) => [name, values as Values<ColumnType>])),
      ),
    );
    await sink.close();
  } finally {
    sink.discard();
  }
}

const typeOf = (values: NumberColumn) => (values instanceof Float32Array ? new Float32() : new Float64());
const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array | NumberColumn) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Which of a table's figures are looked up: by default its first data set after the longest training. */
export interface FigureChoice {
  dataset?: string;
  epochs?: number;
}

/** All that a table has of one training of a cell, or of half of it. */
export interface TrainingFigures extends Partial<Record<Figure['quantity'], number>> {
  dataset: string;
  epochs: number;
  point: Figure['point'];
  repeat: number;
}

/** A benchmark from a compact table: the figures that are looked up are in memory, the others stay in the file. */
export class CompactBenchmark extends TableBenchmark {
  readonly dataset: string;
  /** Epochs of the trainings that are looked up; 0 where the table does not say. */
  readonly epochs: number;
  readonly #file: CompactFile;

  constructor(file: CompactFile, choice: FigureChoice) {
    const { dataset, epochs } = chosen(file, choice);
    const columnsOf = (quantity: Figure['quantity']) =>
      file.figures
        .filter(
          (figure) =>
            figure.quantity === quantity &&
            figure.dataset === dataset &&
            figure.epochs === epochs &&
            figure.point === 'end',
        )
        .map((figure) => file.column(columnName(figure)) as NumberColumn);
    const { name, summary, provenance, space, path } = file;
    super(
      { name, summary, provenance, space, path, sha256: () => file.sha256(), canonical: true },
      {
        cells: file.column(cellColumn) as Uint32Array,
        validation: columnsOf('validation'),
        test: columnsOf('test'),
        parameters: file.column(parametersColumn) as NumberColumn,
        seconds: columnsOf('seconds'),
      },
    );
    this.#file = file;
    this.dataset = dataset;
    this.epochs = epochs;
  }

  /** The figures that the table has, column by column. */
  get figures(): readonly Figure[] {
    return this.#file.figures;
  }

  /** Everything that the table has of a cell, read from the file. Throws exit code 3 where the cell is unknown. */
  trainings(cell: CellCode): TrainingFigures[] {
    const row = this.rowOf(cell);
    const trainings = new Map<string, TrainingFigures>();
    for (const figure of this.#file.figures) {
      const { dataset, epochs, point, quantity, repeat } = figure;
      const value = this.#file.column(columnName(figure))[row]!;
      if (Number.isNaN(value)) continue;
      const key = [dataset, epochs, point, repeat].join();
      const training = trainings.get(key) ?? { dataset, epochs, point, repeat };
      training[quantity] = value;
      trainings.set(key, training);
    }
    return [...trainings.values()];
  }
}

/** The data set and epochs that a choice stands for. Throws exit code 2 where the table does not have them. */
function chosen({ path, figures }: CompactFile, choice: FigureChoice): Required<FigureChoice> {
  const usable = figures.filter(({ point, quantity }) => point === 'end' && quantity === 'test');
  const datasets = [...new Set(usable.map((figure) => figure.dataset))];
  const dataset = choice.dataset ?? datasets[0]!;
  const all = usable.filter((figure) => figure.dataset === dataset).map((figure) => figure.epochs);
  if (all.length === 0)
    throw usageError(`${path} has no data set '${dataset}'`, `it has ${datasets.join(', ')}`);
  const epochs = choice.epochs ?? Math.max(...all);
  if (!all.includes(epochs))
    throw usageError(
      `${path} has no trainings of ${epochs} epochs on ${dataset}`,
      `it has ${[...new Set(all)].map((known) => (known > 0 ? `${known} epochs` : 'epochs unknown')).join(', ')}`,
    );
  return { dataset, epochs };
}

/** Whether a file is an Arrow file, as compact tables are. */
export function isCompactTable(path: string): boolean {
  return readHead(path).toString('latin1') === arrowMagic;
}

/** What a compact table says of itself, and its number of cells; throws as {@link openCompactTable} does. */
export function compactHeader(path: string): CompactHeader & { cells: number } {
  const { name, summary, provenance, space, rows: cells } = new CompactFile(path);
  return { name, summary, provenance, space, cells };
}

/** Open a compact table. Throws exit code 3 where it is missing, cut, damaged or another kind of file, 2 for a choice that it does not have. */
export function openCompactTable(path: string, choice: FigureChoice = {}): CompactBenchmark {
  const file = new CompactFile(path);
  return new CompactBenchmark(file, choice);
}

/** Most bytes of footer or batch header that are read: a table of 10,000 columns has 2 MiB. */
const maxHeaderBytes = 1 << 24;
const arrowMagic = 'ARROW1';
/** Of the file's end: length of the footer and the magic. */
const tailBytes = 4 + arrowMagic.length;

/**
 * apache-arrow believes the counts that a footer states, and would make so many columns of nothing: each has to have room for its elements.
 * Columns of columns, which could be shared without end, are not of a compact table.
 */
function checkFooter(bytes: Buffer): void {
  const footer = Table.root(bytes);
  checkCounts(bytes, footer, [2, 3, 4]); // dictionaries, batches, metadata
  const schema = footer.table(1);
  checkCounts(bytes, schema, [1, 2, 3]); // columns, metadata, features
  for (let i = 0; i < schema.count(1); i++) {
    const column = schema.tableAt(1, i);
    if (column.count(5) > 0 || column.count(6) > 0) throw new Error('a column is not of plain numbers');
  }
}

function checkCounts(bytes: Buffer, table: Table, vectors: readonly number[]): void {
  for (const vector of vectors)
    if (4 * table.count(vector) > bytes.length) throw new Error('it states more than it holds');
}

/** A compact table's file: its description, and its columns one by one. */
class CompactFile implements CompactHeader {
  readonly name: string;
  readonly summary: string;
  readonly provenance: string;
  readonly space: Space;
  readonly figures: readonly Figure[];
  readonly rows: number;
  readonly #crc32: Record<string, number>;
  readonly #places = new Map<string, { offset: number; type: ColumnType }>();
  /** What tells this file from one that has taken its place since. */
  readonly #stamp: string;

  constructor(readonly path: string) {
    const opened = this.#reading((fd) => {
      const { size } = fstatSync(fd);
      const metadata = this.#readHeader(fd, size);
      return { ...metadata, stamp: stampOf(fd) };
    });
    const { metadata, rows, stamp } = opened;
    this.rows = rows;
    this.#stamp = stamp;
    this.#crc32 = metadata.crc32;
    this.name = metadata.name;
    this.summary = metadata.summary;
    this.provenance = metadata.provenance;
    this.space = openSpace(metadata.space);
    this.figures = Object.values(metadata.figures);
  }

  /** The values of a column, read anew at each call and compared with its checksum. */
  column(name: string): Uint32Array | NumberColumn {
    const { offset, type } = this.#places.get(name)!;
    return this.#reading((fd) => {
      this.#unchanged(fd);
      const values = new (arrayOf(type))(this.rows);
      const bytes = bytesOf(values);
      readFully(fd, bytes, offset);
      if (crc32(bytes) !== this.#crc32[name])
        throw new Error(`the checksum of column '${name}' does not fit`);
      return values;
    });
  }

  /** SHA-256 of the file. */
  sha256(): string {
    return this.#reading((fd) => {
      this.#unchanged(fd);
      return sha256Of(fd).digest('hex');
    });
  }

  #readHeader(fd: number, size: number): { metadata: Metadata; rows: number } {
    const at = (offset: number, length: number) => {
      if (length < 0 || length > maxHeaderBytes || offset < 0 || offset + length > size)
        throw new Error('a part lies outside of the file');
      const bytes = Buffer.alloc(length);
      readFully(fd, bytes, offset);
      return bytes;
    };
    if (size === 0) throw dataError(`${this.path} is empty`, importAgain);
    const isArrow = (bytes: Buffer) => bytes.toString('latin1') === arrowMagic;
    if (size < tailBytes || !isArrow(at(0, arrowMagic.length)))
      throw dataError(`${this.path} is no table of rxnas`, 'make one with rxnas benchmark import');
    const tail = at(size - tailBytes, tailBytes);
    if (!isArrow(tail.subarray(4))) throw dataError(`${this.path} is cut: its end is missing`, importAgain);
    const footerBytes = at(size - tailBytes - tail.readInt32LE(0), tail.readInt32LE(0));
    checkFooter(footerBytes);
    const footer = Footer.decode(footerBytes);
    const metadata = this.#metadata(footer.schema);

    const block = footer.getRecordBatch(0);
    if (footer.numRecordBatches !== 1 || !block) throw new Error('it does not have one batch');
    // Four bytes of continuation and four of length stand before the message.
    const messageBytes = at(block.offset, block.metaDataLength).subarray(8);
    checkCounts(messageBytes, Table.root(messageBytes).table(2), [1, 2]); // nodes and buffers
    const message = Message.decode(messageBytes);
    if (!message.isRecordBatch()) throw new Error('its batch is none');
    const { length: rows, buffers } = message.header();
    footer.schema.fields.forEach((field, i) => {
      const data = buffers[2 * i + 1]; // after that of the nulls
      const type = field.type as ColumnType;
      const offset = block.offset + block.metaDataLength + (data?.offset ?? 0);
      const bytes = rows * arrayOf(type).BYTES_PER_ELEMENT;
      if (!data || data.length < bytes || offset + bytes > size)
        throw new Error(`column '${field.name}' is too short`);
      this.#places.set(field.name, { offset, type });
    });
    for (const name of [cellColumn, parametersColumn, ...Object.keys(metadata.figures)])
      if (!this.#places.has(name)) throw new Error(`column '${name}' is missing`);
    return { metadata, rows };
  }

  #metadata({ metadata }: Schema): Metadata {
    const json = metadata.get(metadataKey);
    if (json === undefined)
      throw dataError(
        `${this.path} is an Arrow file, but no table of rxnas`,
        'make one of it with rxnas benchmark import',
      );
    if (String(crc32(Buffer.from(json))) !== metadata.get(checksumKey))
      throw new Error('the checksum of its description does not fit');
    const value = parseJson(json, this.path, importAgain) as unknown as Metadata;
    if (value.version !== formatVersion || !spaceNames.includes(value.space))
      throw dataError(
        `${this.path} was written by another version of rxnas (format ${value.version}, space ${value.space})`,
        importAgain,
      );
    return value;
  }

  #unchanged(fd: number): void {
    if (stampOf(fd) !== this.#stamp)
      throw dataError(`${this.path} was replaced while it was open`, 'run the command again');
  }

  #reading<T>(work: (fd: number) => T): T {
    let fd: number;
    try {
      fd = openSync(this.path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noFile(this.path);
      throw storageError(error, this.path);
    }
    try {
      return work(fd);
    } catch (error) {
      if (error instanceof RxnasError) throw error;
      throw dataError(`${this.path} is damaged: ${(error as Error).message}`, importAgain, { cause: error });
    } finally {
      closeSync(fd);
    }
  }
}

const importAgain = 'import it again: rxnas benchmark import';

function stampOf(fd: number): string {
  const { ino, size, mtimeMs } = fstatSync(fd);
  return `${ino} ${size} ${mtimeMs}`;
}

function readHead(path: string): Buffer {
  if (!existsSync(path)) throw noFile(path);
  const fd = onStorage(path, () => openSync(path, 'r'));
  try {
    const head = Buffer.alloc(arrowMagic.length);
    return head.subarray(
      0,
      onStorage(path, () => readSync(fd, head, 0, head.length, 0)),
    );
  } finally {
    closeSync(fd);
  }
}

const noFile = (path: string) => dataError(`there is no file ${path}`, 'check the path of the table');

function readFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(fd, bytes, done, bytes.length - done, offset + done);
    if (count === 0) throw new Error('it ends too early');
    done += count;
  }
}

function arrayOf(type: ColumnType) {
  switch (type.toString()) {
    case 'Uint32':
      return Uint32Array;
    case 'Float32':
      return Float32Array;
    case 'Float64':
      return Float64Array;
    default:
      throw new Error(`it has a column of type ${type}`);
  }
}
