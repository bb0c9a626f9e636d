/** A table of any format, read in chunks: only what is wanted, and never all at once. */
export interface TableSource {
  readonly path: string;
  /** Names of the columns, in order. */
  readonly columns: readonly string[];
  /** Bytes of the file. */
  readonly total: number;
  /** The rows in order. Throws exit code 3 where the file is damaged, naming the place. */
  chunks(wanted: readonly string[]): AsyncGenerator<SourceChunk>;
}

export interface SourceChunk {
  rows: number;
  /** Values of each wanted column, as they are in the file: null or undefined where there is none. */
  values: Readonly<Record<string, ArrayLike<unknown>>>;
  /** Bytes of the file that have been read, roughly. */
  done: number;
}

/** Rows that are held at once where the format does not say. */
export const rowsPerChunk = 8192;

/** Gathers rows into chunks. */
export class ChunkBuilder {
  #columns: unknown[][];
  #rows = 0;

  constructor(readonly wanted: readonly string[]) {
    this.#columns = wanted.map(() => []);
  }

  /** @param value of the column with this place among the wanted ones */
  add(value: (column: number) => unknown): void {
    for (let c = 0; c < this.wanted.length; c++) this.#columns[c]!.push(value(c));
    this.#rows++;
  }

  get full(): boolean {
    return this.#rows >= rowsPerChunk;
  }

  /** What was gathered since the last time. */
  take(done: number): SourceChunk {
    const columns = this.#columns;
    const chunk = {
      rows: this.#rows,
      values: Object.fromEntries(this.wanted.map((name, c) => [name, columns[c]!])),
      done,
    };
    this.#columns = this.wanted.map(() => []);
    this.#rows = 0;
    return chunk;
  }
}
