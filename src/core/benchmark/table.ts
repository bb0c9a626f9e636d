import { basename } from 'node:path';
import { dataError } from '../errors.js';
import { type CellCode, NO_CELL, type Space } from '../space/space.js';
import type { Benchmark, Evaluation } from './benchmark.js';

/** The figures of a table's cells, one entry a row. Accuracies are fractions in [0, 1], NaN where there is none. */
export interface TableColumns {
  cells: Uint32Array;
  /** One array a repeat. */
  validation: readonly Float64Array[];
  /** One array a repeat. */
  test: readonly Float64Array[];
  parameters: Float64Array;
  /** Training time of one repeat in seconds. */
  seconds: Float64Array;
}

export interface TableDescription {
  name: string;
  summary: string;
  provenance: string;
  space: Space;
  /** File, for messages. */
  path: string;
  /** SHA-256 of the file. */
  sha256: string;
  /**
   * Whether the table is known to hold canonical codes, each once. Otherwise every row is looked up in the space, which costs its
   * enumeration once a process.
   */
  canonical: boolean;
}

/** A benchmark whose figures are all in memory, in typed arrays. */
export class TableBenchmark implements Benchmark {
  readonly name: string;
  readonly summary: string;
  readonly provenance: string;
  readonly space: Space;
  readonly cells: number;
  readonly bestTest: number;
  readonly data: Readonly<Record<string, string>>;
  readonly #path: string;
  readonly #columns: TableColumns;
  /** Row by canonical code. */
  readonly #rows: CodeIndex;
  /** Mean test accuracy of each row. */
  readonly #test: Float64Array;
  /** Those in ascending order, NaN left out; made when first asked for a rank. */
  #sorted: Float64Array | undefined;

  constructor(description: TableDescription, columns: TableColumns) {
    const { name, summary, provenance, space, path, sha256, canonical } = description;
    this.name = name;
    this.summary = summary;
    this.provenance = provenance;
    this.space = space;
    this.data = { [basename(path)]: sha256 };
    this.#path = path;
    this.#columns = canonical ? columns : { ...columns, cells: canonicalCells(path, space, columns.cells) };
    this.cells = columns.cells.length;
    this.#rows = new CodeIndex(this.#columns.cells, (row) =>
      dataError(`${path}: row ${row} repeats a cell`, 'a table has one row a cell, isomorphic ones included'),
    );
    this.#test = rowMeans(columns.test);
    this.bestTest = largest(this.#test);
    const outside = [...columns.validation, ...columns.test].some((column) => !column.every(isFractionOrNaN));
    if (outside || this.bestTest < 0)
      throw dataError(
        `${path}: accuracies are not fractions in [0, 1]`,
        'the table is of another kind or damaged',
      );
  }

  has(cell: CellCode): boolean {
    return this.#row(cell) >= 0;
  }

  async lookup(cell: CellCode): Promise<Evaluation> {
    const row = this.#row(cell);
    if (row < 0)
      throw dataError(
        `benchmark ${this.name} (${this.#path}) does not have the cell ${this.space.describe(cell).text}`,
        'query only cells of the benchmark (`list`), or one that has all of the space',
      );
    const { validation, test, parameters, seconds } = this.#columns;
    return {
      validation: validation.map((repeat) => repeat[row]!),
      test: test.map((repeat) => repeat[row]!),
      parameters: parameters[row]!,
      seconds: seconds[row]!,
    };
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
    return this.#columns.cells;
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

const isFractionOrNaN = (value: number) => !(value < 0 || value > 1);

/** The largest of the values that are not NaN, or −∞. */
function largest(values: Float64Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > best) best = value;
  return best;
}

/** Mean over columns, row by row. */
export function rowMeans(columns: readonly Float64Array[]): Float64Array {
  const means = new Float64Array(columns[0]!.length);
  for (const column of columns) for (let row = 0; row < means.length; row++) means[row]! += column[row]!;
  return means.map((sum) => sum / columns.length);
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
