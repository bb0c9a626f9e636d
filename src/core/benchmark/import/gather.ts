import type { CellCode, Space } from '../../space/space.js';
import { columnName, type Figure, type FigureColumn, type NumberColumn } from '../figures.js';

/** One value a cell of the space, by id; NaN where there is none. Narrow as long as that loses nothing. */
export class Gathered {
  values: NumberColumn;
  count = 0;

  constructor(size: number) {
    this.values = new Float32Array(size).fill(Number.NaN);
  }

  has(id: number): boolean {
    return !Number.isNaN(this.values[id]!);
  }

  put(id: number, value: number): void {
    if (Number.isNaN(value)) return;
    if (!this.has(id)) this.count++;
    this.values[id] = value;
    if (this.values[id] === value) return;
    this.values = Float64Array.from(this.values);
    this.values[id] = value;
  }

  divide(divisor: number): void {
    this.values = Float64Array.from(this.values, (value) => value / divisor);
  }

  /** The values of these ids. */
  pick(ids: Uint32Array | undefined): NumberColumn {
    if (!ids) return this.values;
    const picked = new (this.values.constructor as Float64ArrayConstructor)(ids.length);
    for (let row = 0; row < ids.length; row++) picked[row] = this.values[ids[row]!]!;
    return picked;
  }
}

/** The figures of an import, cell by cell of the space, in whatever order they come. */
export class Gathering {
  /** Rows or records, the repeats of a cell one by one. */
  rows = 0;
  /** Rows about a cell that had been there, and said the same. */
  duplicates = 0;
  /** Rows that were passed over as they are no cell of the space. */
  unknown = 0;
  /** What was put right, in words. */
  readonly repairs: string[] = [];
  readonly parameters: Gathered;
  readonly #columns = new Map<string, { figure: Figure; gathered: Gathered }>();
  /** 1 for each cell that has come. */
  readonly #known: Uint8Array;
  #cells = 0;

  constructor(readonly space: Space) {
    this.#known = new Uint8Array(space.size);
    this.parameters = new Gathered(space.size);
  }

  /** Number of cells that have come. */
  get cells(): number {
    return this.#cells;
  }

  /** Id of the cell, isomorphic ones have the same; -1 for what is no cell of the space. */
  idOf(cell: CellCode): number {
    return this.space.idOf(cell);
  }

  has(id: number): boolean {
    return this.#known[id] === 1;
  }

  add(id: number): void {
    if (this.#known[id] === 1) return;
    this.#known[id] = 1;
    this.#cells++;
  }

  column(figure: Figure): Gathered {
    const name = columnName(figure);
    let column = this.#columns.get(name);
    if (!column) {
      column = { figure, gathered: new Gathered(this.space.size) };
      this.#columns.set(name, column);
    }
    return column.gathered;
  }

  /** Trainings that cells lack beside the one that has most, over all data sets and epochs (by their test accuracy at the end). */
  get missingRepeats(): number {
    let missing = 0;
    for (const { figure, gathered } of this.#columns.values())
      if (figure.quantity === 'test' && figure.point === 'end' && gathered.count > 0)
        missing += this.#cells - gathered.count;
    return missing;
  }

  /** Cells in canonical form, in the order of the space, and their figures; columns without a value are left out. */
  table(): { cells: Uint32Array; parameters: NumberColumn; figures: FigureColumn[] } {
    const all = this.space.cells();
    const ids =
      this.#cells === all.length
        ? undefined
        : Uint32Array.from({ length: all.length }, (_, id) => id).filter((id) => this.#known[id] === 1);
    return {
      cells: ids ? Uint32Array.from(ids, (id) => all[id]!) : all,
      parameters: this.parameters.pick(ids),
      figures: [...this.#columns.values()]
        .filter(({ gathered }) => gathered.count > 0)
        .map(({ figure, gathered }) => ({ ...figure, values: gathered.pick(ids) })),
    };
  }
}
