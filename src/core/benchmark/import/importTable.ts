import { breathe } from '../../breathe.js';
import { dataError } from '../../errors.js';
import { NO_CELL, type Space } from '../../space/space.js';
import type { Quantity } from '../figures.js';
import { type KeyReader, keyReader } from './cellKeys.js';
import { type Gathered, Gathering } from './gather.js';
import type { ReadProgress } from './progress.js';
import { noColumn, type Roles } from './roles.js';
import { misfitError, type Scale, scaleOf } from './scale.js';
import type { SourceChunk, TableSource } from './source.js';

/** What is done with a cell that comes again with other values. */
export const duplicatePolicies = ['refuse', 'first', 'repeats'] as const;
export type DuplicatePolicy = (typeof duplicatePolicies)[number];

export interface TableOptions {
  space: Space;
  /** Unit of the accuracies; default: what the values say. */
  scale?: Scale;
  /** Default `refuse`. */
  duplicates?: DuplicatePolicy;
  /** Leave rows out that are no cell of the space, instead of refusing the table. */
  skipUnknown?: boolean;
}

/**
 * Import any table: cells from its key, brought into canonical form, and their figures. What cannot be right ends the import with exit
 * code 3, naming row and column (rows are counted from 1, without the header).
 */
export async function* importTable(
  source: TableSource,
  roles: Roles,
  options: TableOptions,
): AsyncGenerator<ReadProgress, Gathering> {
  const gathering = new Gathering(options.space);
  const reader = new RowReader(source, roles, options, gathering);
  const { total } = source;
  for await (const chunk of source.chunks(reader.columns)) {
    await reader.read(chunk);
    yield { done: chunk.done, total };
  }
  if (gathering.cells === 0)
    throw dataError(
      `${source.path} has no rows${gathering.unknown > 0 ? ' of known cells' : ''}`,
      'give another table',
    );
  reader.finish();
  return gathering;
}

interface ColumnRead {
  name: string;
  quantity: Quantity | 'parameters';
  /** Of the n-th time that a cell comes. */
  gathered(nth: number): Gathered;
}

class RowReader {
  readonly columns: readonly string[];
  readonly #figures: readonly ColumnRead[];
  /** Row in which each cell came first, from 1. */
  readonly #firstRow: Uint32Array;
  /** How often each cell has come. */
  readonly #times: Uint8Array;
  #keys: KeyReader | undefined;
  /** The most of those. */
  #most = 1;
  #row = 0;
  #kept = 0;

  constructor(
    readonly source: TableSource,
    readonly roles: Roles,
    readonly options: TableOptions,
    readonly gathering: Gathering,
  ) {
    const { key, hash, figures, parameters } = roles;
    this.columns = [
      ...new Set([
        ...key,
        ...(hash ? [hash] : []),
        ...figures.map(({ column }) => column),
        ...(parameters ? [parameters] : []),
      ]),
    ];
    for (const name of this.columns)
      if (!source.columns.includes(name)) throw noColumn(source.path, name, source.columns);
    this.#firstRow = new Uint32Array(gathering.space.size);
    this.#times = new Uint8Array(gathering.space.size);
    const repeats = Math.max(...figures.map(({ figure }) => figure.repeat));
    this.#figures = [
      ...figures.map(({ column, figure }) => ({
        name: column,
        quantity: figure.quantity,
        gathered: kept((nth) => gathering.column({ ...figure, repeat: figure.repeat + nth * repeats })),
      })),
      ...(parameters
        ? [{ name: parameters, quantity: 'parameters' as const, gathered: () => gathering.parameters }]
        : []),
    ];
  }

  async read({ rows, values }: SourceChunk): Promise<void> {
    if (rows === 0) return;
    const keyColumns = this.roles.key.map((name) => values[name]!);
    this.#keys ??= keyReader(this.gathering.space, this.roles.key, keyColumns[0]![0]);
    await this.#keys.prepare?.(keyColumns[0]!);
    const hashes = this.roles.hash ? values[this.roles.hash] : undefined;
    const columns = this.#figures.map(({ name }) => values[name]!);
    const key: unknown[] = [];
    const figures = new Float64Array(columns.length);
    for (let row = 0; row < rows; row++) {
      if (row % 256 === 0) await breathe();
      this.#row++;
      for (let k = 0; k < keyColumns.length; k++) key[k] = keyColumns[k]![row];
      const id = this.#idOf(key);
      if (id < 0) continue;
      for (let c = 0; c < columns.length; c++) figures[c] = this.#number(columns[c]![row], c);
      if (hashes && !this.gathering.has(id)) this.#checkHash(id, hashes[row]);
      this.#put(id, figures);
    }
  }

  /** After the last row: brings accuracies to fractions. */
  finish(): void {
    const { gathering } = this;
    gathering.rows = this.#row;
    if (this.#kept > 0)
      gathering.repairs.push(`${this.#kept} rows repeat a cell with other values: the first of each is kept`);
    if (gathering.unknown > 0)
      gathering.repairs.push(`${gathering.unknown} rows are no cells of ${gathering.space.name}: left out`);
    const percents: string[] = [];
    for (const { name, quantity, gathered } of this.#figures) {
      for (let nth = 0; nth < (quantity === 'parameters' ? 1 : this.#most); nth++) {
        const column = gathered(nth);
        const accuracy = quantity !== 'seconds' && quantity !== 'parameters';
        const scale = accuracy ? scaleOf(column.values, this.options.scale ?? 'auto') : notNegative(column);
        if (typeof scale === 'object')
          throw misfitError(this.source.path, name, this.#firstRow[scale.row]!, scale);
        if (scale !== 'percent') continue;
        column.divide(100);
        if (nth === 0) percents.push(name);
      }
    }
    if (percents.length > 0)
      gathering.repairs.push(`accuracies in per cent, divided by 100: ${percents.join(', ')}`);
  }

  #idOf(key: readonly unknown[]): number {
    const cell = this.#keys!.read(key);
    const id = typeof cell === 'string' || cell === NO_CELL ? -1 : this.gathering.idOf(cell);
    if (id >= 0) return id;
    if (this.options.skipUnknown) {
      this.gathering.unknown++;
      return -1;
    }
    const why = typeof cell === 'string' ? cell : `${key.join(', ')} is no cell of it`;
    throw this.#error(
      `is not of ${this.gathering.space.name}: ${why}`,
      'check --space and --key, or use --skip-unknown to leave such rows out',
    );
  }

  #number(value: unknown, column: number): number {
    if (typeof value === 'number') return value;
    if (value === null || value === undefined) return Number.NaN;
    if (typeof value === 'bigint') return Number(value);
    const text = String(value).trim();
    const number = Number(text);
    if (text === '' || /^(nan|null|none|na|n\/a)$/i.test(text)) return Number.NaN;
    if (Number.isNaN(number))
      throw this.#error(
        `has ${JSON.stringify(text)} in column '${this.#figures[column]!.name}'`,
        'it should hold numbers: put the table right, or name another column',
      );
    return number;
  }

  #checkHash(id: number, hash: unknown): void {
    const { space } = this.gathering;
    const right = space.hash(space.cells()[id]!);
    if (hash !== right)
      throw this.#error(
        `is labelled ${hash}, but the hash of its cell is ${right}`,
        'the table is damaged, or of another space',
      );
  }

  #put(id: number, figures: Float64Array): void {
    const { gathering } = this;
    let nth = this.#times[id]!;
    if (nth === 0) {
      gathering.add(id);
      this.#firstRow[id] = this.#row;
    } else if (this.options.duplicates !== 'repeats') {
      const differing = figures.findIndex(
        (value, c) => !Object.is(this.#figures[c]!.gathered(0).values[id], value),
      );
      if (differing < 0) {
        gathering.duplicates++;
        return;
      }
      if (this.options.duplicates === 'first') {
        this.#kept++;
        return;
      }
      const { name, gathered } = this.#figures[differing]!;
      throw this.#error(
        `is the cell of row ${this.#firstRow[id]} again, or an isomorphic one, with another value: '${name}' is ${figures[differing]} and was ${gathered(0).values[id]}`,
        'put the table right, or use --duplicates first to keep the first row, --duplicates repeats where rows are trainings',
      );
    } else if (nth === maxRepeats) {
      throw this.#error(`is row ${nth + 1} of its cell`, `a cell may have ${maxRepeats} trainings`);
    }
    if (this.options.duplicates !== 'repeats') nth = 0;
    this.#times[id] = nth + 1;
    if (nth >= this.#most) this.#most = nth + 1;
    for (let c = 0; c < figures.length; c++) {
      const { quantity, gathered } = this.#figures[c]!;
      const column = gathered(nth);
      if (quantity !== 'parameters' || !column.has(id)) column.put(id, figures[c]!);
    }
  }

  #error(message: string, hint: string) {
    return dataError(`${this.source.path}: row ${this.#row} ${message}`, hint);
  }
}

const maxRepeats = 100;

/** The same function, each of whose results is computed once. */
function kept<T>(make: (n: number) => T): (n: number) => T {
  const made: T[] = [];
  return (n) => {
    made[n] ??= make(n);
    return made[n];
  };
}

function notNegative(column: Gathered): 'as it is' | { row: number; message: string } {
  const row = column.values.findIndex((value) => value < 0 || value === Number.POSITIVE_INFINITY);
  return row < 0 ? 'as it is' : { row, message: `has ${column.values[row]}` };
}
