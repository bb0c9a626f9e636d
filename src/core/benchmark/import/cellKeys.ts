import { breathe } from '../../breathe.js';
import { RxnasError } from '../../errors.js';
import { cellFromMatrix, cellOf, nasbench101 } from '../../space/nasbench101.js';
import { type CellCode, NO_CELL, type Space } from '../../space/space.js';

/** How the keys of a table are read. */
export interface KeyReader {
  /** The cell that the values of a row's key columns stand for; NO_CELL, or a message of what is wrong. */
  read(values: readonly unknown[]): CellCode | string;
  /** To be called with the values of the first key column before they are read. */
  prepare?(values: ArrayLike<unknown>): Promise<void>;
}

/**
 * How keys of a space are read. One column: a hash (nasbench101), an architecture string or index (nasbench201), any text that the space
 * parses, or rxnas' own cell code where the column is called `cell`. Two columns: adjacency matrix and operations. Three: `num_vertices`,
 * `edge_bits` and `interior_ops`.
 */
export function keyReader(space: Space, key: readonly string[], sample: unknown): KeyReader {
  const hashes =
    space === nasbench101 && key.length === 1 && isHash(sample) ? new HashIndex(space) : undefined;
  const read = hashes
    ? ([hash]: readonly unknown[]) => (isHash(hash) ? hashes.get(hash) : `'${hash}' is no hash`)
    : graphReader(space, key);
  return {
    read(values) {
      try {
        return read(values);
      } catch (error) {
        if (error instanceof RxnasError) return error.message;
        if (error instanceof SyntaxError) return `'${values.join(' ')}' cannot be read`;
        throw error;
      }
    },
    ...(hashes && { prepare: (values) => hashes.prepare(values) }),
  };
}

function graphReader(space: Space, key: readonly string[]): (values: readonly unknown[]) => CellCode {
  if (key.length === 3)
    return ([vertices, edges, ops]) => cellOf(Number(vertices), Number(edges), String(ops ?? ''));
  if (key.length === 2) return ([matrix, ops]) => cellFromMatrix(matrixOf(matrix), operationsOf(ops));
  if (key[0] === 'cell') return ([code]) => (Number.isInteger(Number(code)) ? Number(code) : NO_CELL);
  if (space === nasbench101) return ([text]) => space.parse(String(text));
  return ([text]) =>
    /^\d+$/.test(String(text)) ? (space.cells()[Number(text)] ?? NO_CELL) : space.parse(String(text));
}

const isHash = (value: unknown): value is string => /^[0-9a-f]{32}$/.test(String(value));

function matrixOf(value: unknown): number[][] {
  const text = String(value);
  const size = Math.sqrt(text.length);
  if (/^[01]+$/.test(text) && Number.isInteger(size))
    return Array.from({ length: size }, (_, x) => [...text.slice(x * size, (x + 1) * size)].map(Number));
  return JSON.parse(text);
}

function operationsOf(value: unknown): string[] {
  const text = String(value);
  return text.startsWith('[')
    ? JSON.parse(text.replaceAll("'", '"'))
    : text.split(',').map((op) => op.trim());
}

/**
 * The cells of a space by their hashes, of which no cell can be computed: cells are hashed in their order until all that is asked for has
 * been found. All of NAS-Bench-101 takes ten seconds. Open addressing on the first four bytes.
 */
class HashIndex {
  readonly #cells: Uint32Array;
  readonly #digests: Buffer;
  readonly #slots: Int32Array;
  readonly #scratch = Buffer.alloc(16);
  /** Cells that have been hashed. */
  #known = 0;

  constructor(readonly space: Space) {
    this.#cells = space.cells();
    this.#digests = Buffer.alloc(16 * this.#cells.length);
    this.#slots = new Int32Array(1 << (33 - Math.clz32(this.#cells.length)));
  }

  async prepare(hashes: ArrayLike<unknown>): Promise<void> {
    for (let i = 0; i < hashes.length; i++) {
      const hash = hashes[i];
      if (!isHash(hash)) continue;
      while (this.get(hash) === NO_CELL && this.#known < this.#cells.length) {
        this.#extend(256);
        await breathe();
      }
    }
  }

  get(hash: string): CellCode {
    this.#scratch.write(hash, 'hex');
    const id = this.#slots[this.#slot(this.#scratch, 0)]! - 1;
    return id < 0 ? NO_CELL : this.#cells[id]!;
  }

  #extend(count: number): void {
    for (const end = Math.min(this.#cells.length, this.#known + count); this.#known < end; ) {
      const id = this.#known++;
      this.#digests.write(this.space.hash(this.#cells[id]!), 16 * id, 'hex');
      this.#slots[this.#slot(this.#digests, 16 * id)] = id + 1;
    }
  }

  /** Slot of the digest at `at`, or the free one where it belongs. */
  #slot(bytes: Buffer, at: number): number {
    const mask = this.#slots.length - 1;
    let slot = bytes.readUInt32LE(at) & mask;
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const other = 16 * (this.#slots[slot]! - 1);
      if (bytes.compare(this.#digests, other, other + 16, at, at + 16) === 0) break;
    }
    return slot;
  }
}
