import { basename } from 'node:path';
import { dataError } from '../errors.js';
import { type CellCode, NO_CELL, type Space } from '../space/space.js';
import type { Benchmark, Evaluation } from './benchmark.js';
import type { NumberColumn } from './figures.js';

/** The figures of a table's cells, one entry a row. Accuracies are fractions in [0, 1], NaN where there is none. */
export interface TableColumns {
  cells: Uint32Array;
  /** One column a repeat. */
  validation: readonly ColumnSource[];
  /** One column a repeat. */
  test: readonly ColumnSource[];
  /** NaN where it is not known. */
  parameters: ColumnSource;
  /** Training time in seconds, one column a repeat; none where the table does not have it. */
  seconds: readonly ColumnSource[];
}

/** A column, or what gives its rows [from, to), asked for in order and once; the array may be used again for the next ones. */
export type ColumnSource = NumberColumn | ((from: number, to: number) => NumberColumn);

export interface TableDescription {
  name: string;
  summary: string;
  provenance: string;
  space: Space;
  /** File, for messages. */
  path: string;
  /** SHA-256 of the file, or how to get it: it is asked for when a run is made, not at each opening. */
  sha256: string | (() => string);
  /**
   * Whether the table is known to hold canonical codes, each once. Otherwise every row is looked up in the space, which costs its
   * enumeration once a process.
   */
  canonical: boolean;
}

/** A benchmark whose figures are all in memory, row by row in one array, so that a look-up finds all of a cell's in one place. */
export class TableBenchmark implements Benchmark {
  readonly name: string;
  readonly summary: string;
  readonly provenance: string;
  readonly space: Space;
  readonly cells: number;
  readonly bestTest: number;
  readonly #path: string;
  readonly #sha256: () => string;
  readonly #codes: Uint32Array;
  /** Row by canonical code. */
  readonly #rows: CodeIndex;
  /** A row: validation of each repeat, test of each repeat, parameters, mean seconds. */
  readonly #figures: Float64Array;
  readonly #validations: number;
  readonly #tests: number;
  /** Mean test accuracy of each row. */
  readonly #test: Float64Array;
  /** Those in ascending order, NaN left out; made when first asked for a rank. */
  #sorted: Float64Array | undefined;

  constructor(description: TableDescription, columns: TableColumns) {
    const { name, summary, provenance, space, path, sha256, canonical } = description;
    const { cells, validation, test } = columns;
    this.name = name;
    this.summary = summary;
    this.provenance = provenance;
    this.space = space;
    this.#path = path;
    this.#sha256 = typeof sha256 === 'string' ? () => sha256 : sha256;
    this.#codes = canonical ? cells : canonicalCells(path, space, cells);
    this.cells = cells.length;
    this.#rows = new CodeIndex(this.#codes, (row) =>
      dataError(`${path}: row ${row} repeats a cell`, 'a table has one row a cell, isomorphic ones included'),
    );
    this.#validations = validation.length;
    this.#tests = test.length;
    const { figures, means, sound } = layOut(columns);
    this.#figures = figures;
    this.#test = means;
    this.bestTest = largest(means);
    if (this.bestTest < 0 || !sound)
      throw dataError(
        `${path}: accuracies are not fractions in [0, 1]`,
        'the table is of another kind or damaged',
      );
  }

  get data(): Readonly<Record<string, string>> {
    return { [basename(this.#path)]: this.#sha256() };
  }

  has(cell: CellCode): boolean {
    return this.#row(cell) >= 0;
  }

  async lookup(cell: CellCode): Promise<Evaluation> {
    return this.lookupSync(cell);
  }

  /** {@link lookup} without a promise. Throws exit code 3 where the cell is unknown. */
  lookupSync(cell: CellCode): Evaluation {
    const row = this.rowOf(cell);
    const tests = this.#validations + this.#tests;
    const at = row * (tests + 2);
    return {
      validation: this.#repeats(at, at + this.#validations),
      test: this.#repeats(at + this.#validations, at + tests),
      parameters: this.#figures[at + tests]!,
      seconds: this.#figures[at + tests + 1]!,
    };
  }

  /** The figures in [from, to) that are there; one NaN where none is. */
  #repeats(from: number, to: number): number[] {
    const values = new Array<number>(to - from);
    let known = 0;
    for (let i = from; i < to; i++) {
      const value = this.#figures[i]!;
      if (!Number.isNaN(value)) values[known++] = value;
    }
    if (known === 0) return [Number.NaN];
    values.length = known;
    return values;
  }

  rank(test: number): number {
    this.#sorted ??= this.#test.filter((value) => !Number.isNaN(value)).sort();
    const sorted = this.#sorted;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! > test) high = middle;
      else low = middle + 1;
    }
    return sorted.length - low + 1;
  }

  list(): Uint32Array {
    return this.#codes;
  }

  /** Row of the cell, or of an isomorphic one. Throws exit code 3 where there is none. */
  protected rowOf(cell: CellCode): number {
    const row = this.#row(cell);
    if (row >= 0) return row;
    throw dataError(
      `benchmark ${this.name} (${this.#path}) does not have the cell ${this.space.describe(cell).text}`,
      'query only cells of the benchmark (`list`), or one that has all of the space',
    );
  }

  #row(cell: CellCode): number {
    const row = this.#rows.get(cell);
    // Only cells that are not in canonical form cost a look into the space.
    return row >= 0 ? row : this.#rows.get(this.space.canonical(cell));
  }
}

function canonicalCells(path: string, space: Space, cells: Uint32Array): Uint32Array {
  const canonical = new Uint32Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    const code = cells[row]!;
    canonical[row] = code === NO_CELL ? NO_CELL : space.canonical(code);
    if (canonical[row] === NO_CELL)
      throw dataError(
        `${path}: row ${row} is no cell of ${space.name}`,
        'the table is damaged or of another space',
      );
  }
  return canonical;
}

/** The largest of the values that are not NaN, or −∞. */
function largest(values: Float64Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > best) best = value;
  return best;
}

/** Mean of each row over the columns that have a value there; NaN where none has. */
export function rowMeans(columns: readonly NumberColumn[], rows = columns[0]!.length): Float64Array {
  const means = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    let count = 0;
    for (let c = 0; c < columns.length; c++) {
      const value = columns[c]![row]!;
      if (Number.isNaN(value)) continue;
      sum += value;
      count++;
    }
    means[row] = sum / count;
  }
  return means;
}

/** Rows that are laid out at once: few enough to stay in the cache. */
const blockRows = 4096;

/** The figures row after row, the mean test accuracy of each row, and whether all accuracies are fractions. */
function layOut({ cells, validation, test, parameters, seconds }: TableColumns) {
  const rows = cells.length;
  const plain = [...validation, ...test, parameters];
  const width = plain.length + 1;
  const figures = new Float64Array(rows * width);
  const means = new Float64Array(rows);
  const sums = new Float64Array(blockRows);
  const counts = new Float64Array(blockRows);
  let sound = true;
  for (let from = 0; from < rows; from += blockRows) {
    const to = Math.min(rows, from + blockRows);
    const part = (column: ColumnSource) =>
      typeof column === 'function' ? column(from, to) : column.subarray(from, to);
    for (let c = 0; c < plain.length; c++) {
      const values = part(plain[c]!);
      spread(values, figures, from * width + c, width);
      if (c < plain.length - 1 && !areFractions(values)) sound = false;
      if (c >= validation.length && c < plain.length - 1) accumulate(values, sums, counts);
    }
    takeMeans(sums, counts, means, from, 1, to - from);
    for (const column of seconds) accumulate(part(column), sums, counts);
    takeMeans(sums, counts, figures, from * width + width - 1, width, to - from);
  }
  return { figures, means, sound };
}

// Small functions, called for each block and column: V8 has them compiled after the first few.

function spread(values: NumberColumn, out: Float64Array, start: number, step: number): void {
  for (let i = 0, at = start; i < values.length; i++, at += step) out[at] = values[i]!;
}

function areFractions(values: NumberColumn): boolean {
  for (let i = 0; i < values.length; i++) if (values[i]! < 0 || values[i]! > 1) return false;
  return true;
}

function accumulate(values: NumberColumn, sums: Float64Array, counts: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue;
    sums[i]! += values[i]!;
    counts[i]!++;
  }
}

/** Write the means, and leave sums and counts at zero. */
function takeMeans(
  sums: Float64Array,
  counts: Float64Array,
  out: Float64Array,
  start: number,
  step: number,
  rows: number,
): void {
  for (let i = 0, at = start; i < rows; i++, at += step) out[at] = sums[i]! / counts[i]!;
  sums.fill(0);
  counts.fill(0);
}

/** A hash table from cell codes to rows in one typed array: open addressing, half full at most. */
class CodeIndex {
  readonly #codes: Uint32Array;
  /** Row + 1 of each slot, 0 where it is free. */
  readonly #slots: Int32Array;
  readonly #shift: number;

  constructor(codes: Uint32Array, duplicate: (row: number) => Error) {
    const bits = Math.max(1, 32 - Math.clz32(2 * codes.length - 1));
    this.#codes = codes;
    this.#slots = new Int32Array(1 << bits);
    this.#shift = 32 - bits;
    for (let row = 0; row < codes.length; row++) {
      const slot = this.#slot(codes[row]!);
      if (this.#slots[slot] !== 0) throw duplicate(row);
      this.#slots[slot] = row + 1;
    }
  }

  /** Row of the code, or -1. */
  get(code: CellCode): number {
    return this.#slots[this.#slot(code)]! - 1;
  }

  /** The slot of the code, or the free one where it belongs. */
  #slot(code: CellCode): number {
    const mask = this.#slots.length - 1;
    let slot = Math.imul(code, 0x9e3779b1) >>> this.#shift;
    while (this.#slots[slot] !== 0 && this.#codes[this.#slots[slot]! - 1] !== code) slot = (slot + 1) & mask;
    return slot;
  }
}
