import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { Field, Float32, Float64, Schema, Uint32 } from 'apache-arrow';
import { type ColumnType, makeBatch, type Values } from '../batch/index.js';
import { dataError, RxnasError, usageError } from '../errors.js';
import { given } from '../given.js';
import { ArrowSink } from '../run/arrowSink.js';
import { crc32 } from '../run/crc32.js';
import { onStorage, parseJson, sha256Of, storageError } from '../run/files.js';
import { openSpace, spaceNames } from '../space/index.js';
import type { CellCode, Space } from '../space/space.js';
import { columnName, type Figure, type FigureColumn, type NumberColumn, sortFigures } from './figures.js';
import { TableBenchmark } from './table.js';

/*
 * The table that imports end in: one Arrow IPC file of one record batch, a row a cell, no nulls and no compression, so that each column is
 * one run of bytes, read by itself and used as it is. JSON in the schema's metadata says what the columns are, where they come from, and the
 * CRC-32 of each. docs/benchmarks.md describes it.
 *
 * The file is opened without Arrow: its flatbuffers have no checksum, and one that is damaged can keep a reader busy for ever. What is needed
 * of them is little. Behind the magic comes the batch's head, `int32 −1 | int32 length | flatbuffer`, then the columns, one after the other,
 * from multiples of 8 bytes; at the end `footer | int32 length of it | magic`. The JSON stands in the footer as it is, with its own checksum.
 */

const metadataKey = 'rxnas.benchmark';
const format = 'rxnas.benchmark 1';
/** What the JSON begins with: the first of its fields. */
const jsonBegin = `{"format":"rxnas.benchmark `;
/** What stands before its checksum, the last of its fields: eight hexadecimal digits over all that comes before. */
const jsonEnd = ',"crc32":"';
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

/** The metadata as JSON, without its checksum. */
interface Metadata {
  format: string;
  name: string;
  summary: string;
  provenance: string;
  space: string;
  rows: number;
  /** In the order of the file. */
  columns: ColumnMetadata[];
}

interface ColumnMetadata {
  name: string;
  type: keyof typeof arrays;
  /** CRC-32 of its bytes. */
  crc32: number;
  /** What it holds; absent for cells and parameters. */
  figure?: Figure;
}

const arrays = { uint32: Uint32Array, float32: Float32Array, float64: Float64Array };
const arrowTypes = { uint32: Uint32, float32: Float32, float64: Float64 };
type Column = Uint32Array | NumberColumn;

/** Write a table; the file appears whole and durable, or not at all. */
export async function writeCompactTable(path: string, table: CompactTable): Promise<void> {
  const columns: [name: string, values: Column, figure?: Figure][] = [
    [cellColumn, table.cells],
    [parametersColumn, table.parameters],
    ...sortFigures(table.figures).map(({ values, ...figure }): [string, Column, Figure] => [
      columnName(figure),
      values,
      figure,
    ]),
  ];
  const described = columns.map(
    ([name, values, figure]): ColumnMetadata => ({
      ...{ name, type: typeOf(values), crc32: crc32(bytesOf(values)) },
      ...given({ figure }),
    }),
  );
  const metadata: Metadata = {
    ...{ format, name: table.name, summary: table.summary, provenance: table.provenance },
    ...{ space: table.space.name, rows: table.cells.length, columns: described },
  };
  const text = JSON.stringify(metadata).slice(0, -1);
  const schema = new Schema<Record<string, ColumnType>>(
    described.map(({ name, type }) => new Field(name, new arrowTypes[type](), false)),
    new Map([[metadataKey, `${text}${jsonEnd}${hex(crc32(Buffer.from(text)))}"}`]]),
  );
  const values = Object.fromEntries(columns.map(([name, column]) => [name, column as Values<ColumnType>]));
  const sink = new ArrowSink(path);
  try {
    sink.write(makeBatch(schema, values));
    await sink.close();
  } finally {
    sink.discard();
  }
}

const hex = (crc: number) => crc.toString(16).padStart(8, '0');
const typeOf = (values: Column): ColumnMetadata['type'] =>
  values instanceof Uint32Array ? 'uint32' : values instanceof Float32Array ? 'float32' : 'float64';
const bytesOf = ({ buffer, byteOffset, byteLength }: Column) =>
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

  /** @param fd the file, open */
  constructor(file: CompactFile, fd: number, choice: FigureChoice) {
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
        .map((figure) => file.reader(fd, columnName(figure)));
    const { name, summary, provenance, space, path } = file;
    super(
      { name, summary, provenance, space, path, sha256: () => file.sha256(), canonical: true },
      {
        cells: file.column(cellColumn) as Uint32Array,
        validation: columnsOf('validation'),
        test: columnsOf('test'),
        parameters: file.reader(fd, parametersColumn),
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
  return file.reading((fd) => new CompactBenchmark(file, fd, choice));
}

const arrowMagic = 'ARROW1';
const magicBytes = arrowMagic.length;
/** Where the batch's head begins, and its flatbuffer. */
const batchHead = 8;
const batchBuffer = batchHead + 8;
/** Most bytes of footer and batch's head: those of 10,000 columns have 2 MiB. */
const maxHead = 1 << 24;

/** A compact table's file: its description, and its columns one by one. */
class CompactFile implements CompactHeader {
  readonly name: string;
  readonly summary: string;
  readonly provenance: string;
  readonly space: Space;
  readonly rows: number;
  readonly figures: readonly Figure[];
  /** Where each column is, and what. */
  readonly #columns = new Map<string, ColumnMetadata & { offset: number }>();
  /** What tells this file from one that has taken its place since. */
  readonly #stamp: string;

  constructor(readonly path: string) {
    const { metadata, body, stamp } = onFile(path, (fd) => ({ ...this.#readHead(fd), stamp: stampOf(fd) }));
    this.name = metadata.name;
    this.summary = metadata.summary;
    this.provenance = metadata.provenance;
    this.space = openSpace(metadata.space);
    this.rows = metadata.rows;
    this.figures = metadata.columns.flatMap(({ figure }) => figure ?? []);
    this.#stamp = stamp;
    let offset = body;
    for (const column of metadata.columns) {
      this.#columns.set(column.name, { ...column, offset });
      offset += Math.ceil((this.rows * arrays[column.type].BYTES_PER_ELEMENT) / 8) * 8;
    }
  }

  /** The values of a column, read anew at each call and compared with its checksum. */
  column(name: string): Column {
    return this.reading((fd) => this.#rowsOf(fd, name, new Uint8Array(this.#bytesOf(name)))(0, this.rows));
  }

  /** The rows of a column from the first to the last, in parts that lie in one buffer; its checksum is compared with the last. */
  reader(fd: number, name: string): (from: number, to: number) => NumberColumn {
    let buffer = new Uint8Array();
    let rows: ((from: number, to: number) => Column) | undefined;
    return (from, to) => {
      if (!rows) {
        buffer = new Uint8Array((to - from) * 8);
        rows = this.#rowsOf(fd, name, buffer);
      }
      return rows(from, to) as NumberColumn;
    };
  }

  #bytesOf(name: string): number {
    return this.rows * arrays[this.#columns.get(name)!.type].BYTES_PER_ELEMENT;
  }

  #rowsOf(fd: number, name: string, buffer: Uint8Array<ArrayBuffer>): (from: number, to: number) => Column {
    const { type, offset, crc32: right } = this.#columns.get(name)!;
    const size = arrays[type].BYTES_PER_ELEMENT;
    let crc = 0;
    return (from, to) => {
      const bytes = buffer.subarray(0, (to - from) * size);
      readFully(fd, bytes, offset + from * size);
      crc = crc32(bytes, crc);
      if (to === this.rows && crc !== right) throw new Error(`the checksum of column '${name}' does not fit`);
      return new arrays[type](buffer.buffer, 0, to - from);
    };
  }

  /** SHA-256 of the file. */
  sha256(): string {
    return this.reading((fd) => sha256Of(fd).digest('hex'));
  }

  /** The description, and where the columns begin. */
  #readHead(fd: number): { metadata: Metadata; body: number } {
    const { size } = fstatSync(fd);
    const at = (offset: number, length: number) => {
      if (length < 0 || length > maxHead || offset < 0 || offset + length > size)
        throw new Error('a part lies outside of it');
      const bytes = Buffer.alloc(length);
      readFully(fd, bytes, offset);
      return bytes;
    };
    if (size === 0) throw dataError(`${this.path} is empty`, importAgain);
    const isMagic = (offset: number) => at(offset, magicBytes).toString('latin1') === arrowMagic;
    if (size < magicBytes || !isMagic(0))
      throw dataError(`${this.path} is no table of rxnas`, 'make one with rxnas benchmark import');
    if (size < batchBuffer || !isMagic(size - magicBytes))
      throw dataError(`${this.path} is cut: its end is missing`, importAgain);
    const end = size - magicBytes - 4;
    const length = at(end, 4).readInt32LE();
    const metadata = this.#metadata(at(end - length, length));
    return { metadata, body: batchBuffer + at(batchHead, 8).readInt32LE(4) };
  }

  #metadata(footer: Buffer): Metadata {
    const begin = footer.indexOf(jsonBegin);
    if (begin < 0)
      throw dataError(
        `${this.path} is an Arrow file, but no table of rxnas`,
        'make one of it with rxnas benchmark import',
      );
    // Before a text stands its length.
    const json = footer.toString('utf8', begin, begin + footer.readUInt32LE(begin - 4));
    const [, text, checksum] = /^(.*),"crc32":"([0-9a-f]{8})"\}$/s.exec(json) ?? [];
    if (text === undefined || hex(crc32(Buffer.from(text))) !== checksum)
      throw new Error('the checksum of its description does not fit');
    const value = parseJson(json, this.path, importAgain) as unknown as Metadata;
    if (value.format !== format || !spaceNames.includes(value.space))
      throw dataError(
        `${this.path} was written by another version of rxnas (${value.format}, space ${value.space})`,
        importAgain,
      );
    return value;
  }

  /** Does `work` with the file, which is the one that was opened first; what goes wrong in it is damage. */
  reading<T>(work: (fd: number) => T): T {
    return onFile(this.path, (fd) => {
      if (stampOf(fd) !== this.#stamp)
        throw dataError(`${this.path} was replaced while it was open`, 'run the command again');
      return work(fd);
    });
  }
}

function onFile<T>(path: string, work: (fd: number) => T): T {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noFile(path);
    throw storageError(error, path);
  }
  try {
    return work(fd);
  } catch (error) {
    if (error instanceof RxnasError) throw error;
    throw dataError(`${path} is damaged: ${(error as Error).message}`, importAgain, { cause: error });
  } finally {
    closeSync(fd);
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
