import type { output, ZodObject } from 'zod';
import type { Random } from '../random/random.js';
import type { Component } from '../spec/component.js';

/**
 * A cell packed into an integer in [0, 2^29); what the bits mean is the space's own affair.
 * nasbench101: `edgeBits | opCode << 21` (21 bits of upper-triangle edges, ops in base 3, at most 243);
 * nasbench201: the six operations as a base-5 number, 0..15,624.
 */
export type CellCode = number;

/** What {@link Space.decode} and {@link Space.canonical} give for what is no cell of the space. Never a valid code. */
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
  /** Number of cells by number of vertices, input and output included. */
  countByVertices(): Readonly<Record<number, number>>;
  /** Place of the cell (or of any isomorphic one) in {@link cells}, or -1 for what is no cell. */
  idOf(cell: CellCode): number;
  /** The canonical code of the cell's isomorphism class; idempotent. {@link NO_CELL} for what is no cell. */
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
  /** Exact edit distance between two cells; where it is larger than `limit`, `limit + 1`, found sooner. */
  distance(a: CellCode, b: CellCode, limit?: number): number;
  /** One positive of the anchor (paper §3, REFERENCE §3): a cell 1..3 random edits away, or the anchor itself. */
  mutate(anchor: CellCode, random: Random): CellCode;
  /** The same draw, with the number of edits: read it with {@link mutantCell} and {@link mutantEdits}. */
  mutateWithEdits(anchor: CellCode, random: Random): Mutant;
  /** A uniformly drawn cell in canonical form. */
  sample(random: Random): CellCode;
  /**
   * A cell in canonical form as the benchmark's own script draws one: a random graph with random operations, pruned. Cells
   * that more graphs stand for are likelier (naszilla's encoding `adj`).
   */
  sampleGraph(random: Random): CellCode;
  /** The cells that one edit makes of it, itself left out: in canonical form, each once, in a fixed order. */
  neighbours(cell: CellCode): CellCode[];
  /**
   * Numbers that can be read off the cell, as many for every one and the same for isomorphic ones, of about equal spread: what a
   * surrogate knows of it without a learned embedding.
   */
  properties(cell: CellCode): number[];
  /** A cell written for people and JSON. */
  describe(cell: CellCode): CellDescription;
  /** The cell of a text: {@link CellDescription.text}, or whatever else the space accepts. Usage error otherwise. */
  parse(text: string): CellCode;
}

/** Tokens of cells, row-major [cells, sequenceLength]. */
export function tokensOfCells(space: Space, cells: ArrayLike<CellCode>): Int32Array {
  const tokens = new Int32Array(cells.length * space.sequenceLength);
  for (let i = 0; i < cells.length; i++) space.encode(cells[i]!, tokens, i * space.sequenceLength);
  return tokens;
}

/** A space as registries, lint and docs know it. */
export interface SpaceSpec<P extends ZodObject = ZodObject> extends Component<P> {
  readonly kind: 'space';
  create(params: output<P>): Space;
}

/** Keeps the parameter types of a spec while it is written down. */
export const defineSpace = <P extends ZodObject>(spec: Omit<SpaceSpec<P>, 'kind'>): SpaceSpec<P> =>
  Object.freeze({ kind: 'space', ...spec });

/**
 * A positive and the edit distance drawn for it in one number, so that drawing millions allocates nothing:
 * `cell | edits << 29`. No space has codes of more than 29 bits.
 */
export type Mutant = number;

const CELL_BITS = 29;

export const mutant = (cell: CellCode, edits: number): Mutant => cell | (edits << CELL_BITS);
/** The positive. */
export const mutantCell = (mutant: Mutant): CellCode => mutant & ((1 << CELL_BITS) - 1);
/** The edit distance drawn, 1..3, or 0 where every attempt failed and the positive is the anchor. */
export const mutantEdits = (mutant: Mutant): number => mutant >>> CELL_BITS;

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
