import { breathe } from '../../breathe.js';
import { RxnasError } from '../../errors.js';
import { cellFromMatrix, cellOf, nasbench101 } from '../../space/nasbench101.js';
import { type CellCode, NO_CELL, type Space } from '../../space/space.js';

/** The cell that the values of a row's key columns stand for; NO_CELL, or a message of what is wrong. */
export type KeyReader = (values: readonly unknown[]) => CellCode | string;

/**
 * How keys of a space are read. One column: a hash (nasbench101), an architecture string or index (nasbench201), any text that the space
 * parses, or rxnas' own cell code where the column is called `cell`. Two columns: adjacency matrix and operations. Three: `num_vertices`,
 * `edge_bits` and `interior_ops`.
 */
export async function keyReader(space: Space, key: readonly string[], sample: unknown): Promise<KeyReader> {
  const reader = await unguarded(space, key, sample);
  return (values) => {
    try {
      return reader(values);
    } catch (error) {
      if (error instanceof RxnasError) return error.message;
      throw error;
    }
  };
}

async function unguarded(space: Space, key: readonly string[], sample: unknown): Promise<KeyReader> {
  if (key.length === 3) return ([vertices, edges, ops]) => cellOf(Number(vertices), Number(edges), String(ops ?? ''));
  if (key.length === 2) return ([matrix, ops]) => cellFromMatrix(matrixOf(matrix), operationsOf(ops));
  if (key[0] === 'cell') return ([code]) => (Number.isInteger(Number(code)) ? Number(code) : NO_CELL);
  if (space === nasbench101) {
    if (!isHash(sample)) return ([text]) => space.parse(String(text));
    const hashes = await HashIndex.of(space);
    return ([hash]) => (isHash(hash) ? hashes.get(hash) : `'${hash}' is no hash`);
  }
  return ([text]) => (/^\d+$/.test(String(text)) ? (space.cells()[Number(text)] ?? NO_CELL) : space.parse(String(text)));
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
  return text.startsWith('[') ? JSON.parse(text.replaceAll("'", '"')) : text.split(',').map((op) => op.trim());
}

/** The cells of a space by their hashes: open addressing on the first four bytes. */
class HashIndex {
  readonly #cells: Uint32Array;
  readonly #digests: Buffer;
  readonly #slots: Int32Array;
  readonly #scratch = Buffer.alloc(16);

  /** Hashes every cell: ten seconds for NAS-Bench-101. */
  static async of(space: Space): Promise<HashIndex> {
    const index = new HashIndex(space.cells());
    for (let id = 0; id < index.#cells.length; id++) {
      index.#digests.write(space.hash(index.#cells[id]!), 16 * id, 'hex');
      index.#slots[index.#slot(index.#digests, 16 * id)] = id + 1;
      if (id % 256 === 0) await breathe();
    }
    return index;
  }

  private constructor(cells: Uint32Array) {
    this.#cells = cells;
    this.#digests = Buffer.alloc(16 * cells.length);
    this.#slots = new Int32Array(1 << (33 - Math.clz32(cells.length)));
  }

  get(hash: string): CellCode {
    this.#scratch.write(hash, 'hex');
    const id = this.#slots[this.#slot(this.#scratch, 0)]! - 1;
    return id < 0 ? NO_CELL : this.#cells[id]!;
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
