import type { Random } from '../random/random.js';

/**
 * A cell packed into one unsigned 32-bit integer; what the bits mean is the space's own affair.
 * nasbench101: `edgeBits | opCode << 21` (21 bits of upper-triangle edges, ops in base 3, at most 243);
 * nasbench201: the architecture's index, 0..15,624.
 */
export type CellCode = number;

/** What {@link Space.decode} and {@link Space.parse} give for what is no cell of the space. Never a valid code. */
export const NO_CELL = 0xffff_ffff;

/** A search space: its cells, their token sequences, identity, neighbourhood. All implementations are immutable. */
export interface Space {
  /** Registry name, e.g. `nasbench101`. */
  readonly name: string;
  /** Number of token values, padding/start token 0 included (7 for nasbench101, 8 for nasbench201). */
  readonly vocabulary: number;
  /** Length of a padded token sequence (27 / 35). */
  readonly sequenceLength: number;
  /** Number of unique cells (423,624 / 15,625). */
  readonly size: number;

  /** Every unique cell in canonical form, in id order; enumerated at the first call and kept. Do not write to it. */
  cells(): Uint32Array;
  /** Place of the cell (or of any isomorphic one) in {@link cells}, or -1. */
  idOf(cell: CellCode): number;
  /** The canonical code of the cell's isomorphism class; idempotent. */
  canonical(cell: CellCode): CellCode;
  /** Write the padded token sequence of the cell into `out[offset .. offset + sequenceLength)`. */
  encode(cell: CellCode, out: Int32Array, offset: number): void;
  /**
   * The cell that a token sequence stands for, pruned, or {@link NO_CELL} where the sequence is malformed or the pruned
   * cell is not in the space (REFERENCE §2 `is_valid` without the pool). Not canonicalised.
   */
  decode(tokens: Int32Array, offset: number): CellCode;
  /** The benchmark's own identity: nasbench's MD5 module hash, or the architecture string for nasbench201. */
  hash(cell: CellCode): string;
  /** Exact edit distance between two cells. */
  distance(a: CellCode, b: CellCode): number;
  /** One positive of the anchor (paper §3, REFERENCE §3): a cell 1..3 random edits away, or the anchor itself. */
  mutate(anchor: CellCode, random: Random): CellCode;
  /** The same, with the number of edits drawn (0 when every attempt failed): `edits << 0` is in {@link MutationResult}. */
  mutateWithEdits(anchor: CellCode, random: Random): MutationResult;
  /** A uniformly drawn cell in canonical form. */
  sample(random: Random): CellCode;
  /** A cell written for people and JSON. */
  describe(cell: CellCode): CellDescription;
}

export interface MutationResult {
  cell: CellCode;
  /** Edit distance drawn, 1..3, or 0 when the anchor was returned. */
  edits: number;
}

export interface CellDescription {
  /** Hash of the cell, see {@link Space.hash}. */
  hash: string;
  /** Upper-triangular adjacency matrix, row x has 1 at y for an edge x→y (nasbench101), or absent. */
  matrix?: number[][];
  /** Operation names, one a vertex (nasbench101) or one an edge (nasbench201). */
  ops: string[];
  /** Short text form, e.g. the architecture string. */
  text: string;
}
