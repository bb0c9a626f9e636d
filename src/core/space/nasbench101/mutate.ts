import type { Random } from '../../random/random.js';
import { type CellCode, type Mutant, mutant, NO_CELL } from '../space.js';
import {
  cellCode,
  columnShift,
  edgeBitsOf,
  isFullDag,
  MAX_VERTICES,
  opCodeOf,
  POW3,
  popcount,
  verticesOf,
  withoutVertex,
} from './cell.js';

/** An attempt to edit draws a new distance at most so often, before the anchor itself is given. */
const ATTEMPTS = 3;
/** An edge edit draws new entries at most so often: as many as the largest upper triangle has. */
const EDGE_TRIES = 21;

/**
 * What an attempt does, in ninetieths (REFERENCE §3): each distance has 30; 1: half ops, half edges; 2: a third each;
 * 3: 0.1 deletion, 0.3 each of the others. `DELETE` stands for the deletion of a vertex and its two edges.
 */
const DELETE = -1;
const recipe: readonly [weight: number, distance: number, edges: number, ops: number][] = [
  [15, 1, 0, 1],
  [15, 1, 1, 0],
  [10, 2, 0, 2],
  [10, 2, 1, 1],
  [10, 2, 2, 0],
  [3, 3, DELETE, 0],
  [9, 3, 0, 3],
  [9, 3, 1, 2],
  [9, 3, 2, 1],
];
const lot = recipe.flatMap(([weight, ...what]) => Array<number[]>(weight).fill(what));
const distanceOfLot = Int8Array.from(lot, ([distance]) => distance!);
const edgesOfLot = Int8Array.from(lot, ([, edges]) => edges!);
const opsOfLot = Int8Array.from(lot, ([, , ops]) => ops!);

/**
 * One positive of the anchor and the number of edits drawn: a valid cell 1, 2 or 3 random edits away, not canonical, or
 * the anchor and 0 when three attempts failed.
 */
export function mutateCell(anchor: CellCode, random: Random): Mutant {
  const vertices = verticesOf(anchor);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const drawn = random.int(lot.length);
    const edges = edgesOfLot[drawn]!;
    const cell =
      edges === DELETE
        ? deleteVertex(anchor, vertices, random)
        : edit(anchor, vertices, edges, opsOfLot[drawn]!, random);
    if (cell !== NO_CELL) return mutant(cell, distanceOfLot[drawn]!);
  }
  return mutant(anchor, 0);
}

/** The anchor with `edges` entries of the upper triangle flipped and `ops` operations replaced, or NO_CELL. */
function edit(anchor: CellCode, vertices: number, edges: number, ops: number, random: Random): CellCode {
  if (ops > vertices - 2) return NO_CELL;
  editsByVertices[vertices] ??= listEdits(vertices);
  const possible = editsByVertices[vertices];
  let edgeBits = edgeBitsOf(anchor);
  if (edges > 0) {
    edgeBits = flipEdges(edgeBits, vertices, possible.flips[edges]!, random);
    if (edgeBits === 0) return NO_CELL;
  }
  let opCode = opCodeOf(anchor);
  if (ops > 0) {
    const replaced = possible.replacements[ops]!;
    const choices = replaced.length / POW3[vertices - 2]!;
    opCode = replaced[opCode * choices + random.int(choices)]!;
  }
  return cellCode(edgeBits, opCode);
}

/** The edges with one of `masks` flipped such that they are those of a cell, or 0 where no try gave one. */
function flipEdges(edgeBits: number, vertices: number, masks: Int32Array, random: Random): number {
  if (masks.length === 0) return 0;
  for (let attempt = 0; attempt < EDGE_TRIES; attempt++) {
    const flipped = edgeBits ^ masks[random.int(masks.length)]!;
    if (isFullDag(flipped, vertices)) return flipped;
  }
  return 0;
}

/**
 * The anchor without one of its interior vertices that have one in- and one out-edge, drawn among those whose removal
 * leaves a cell, or NO_CELL where there is none. (An interior vertex of a cell has an edge each way, so degree 2 is that.)
 */
function deleteVertex(anchor: CellCode, vertices: number, random: Random): CellCode {
  let found = 0;
  for (let v = 1; v < vertices - 1; v++) {
    if (degree(anchor, vertices, v) !== 2) continue;
    const cell = withoutVertex(anchor, v);
    if (isFullDag(edgeBitsOf(cell), vertices - 1)) removable[found++] = cell;
  }
  return found === 0 ? NO_CELL : removable[random.int(found)]!;
}

const removable = new Uint32Array(MAX_VERTICES);

function degree(cell: CellCode, vertices: number, v: number): number {
  let edges = popcount((cell >>> columnShift(v)) & ((1 << v) - 1));
  for (let y = v + 1; y < vertices; y++) edges += (cell >>> (columnShift(y) + v)) & 1;
  return edges;
}

/** What edits there are of cells with so many vertices. */
interface Edits {
  /** By k: every mask of k distinct entries of the upper triangle. */
  readonly flips: readonly Int32Array[];
  /** By k: for each op code, one after the other, the op codes that differ from it in exactly k digits. */
  readonly replacements: readonly Uint8Array[];
}

/** By number of vertices, listed when first needed. */
const editsByVertices: (Edits | undefined)[] = [];

function listEdits(vertices: number): Edits {
  const codes = POW3[vertices - 2]!;
  const replacements: number[][] = [[], [], [], []];
  for (let from = 0; from < codes; from++) {
    for (let to = 0; to < codes; to++) replacements[differingDigits(from, to)]?.push(to);
  }
  return {
    flips: [0, 1, 2].map((k) => Int32Array.from(subsets(columnShift(vertices), k))),
    replacements: replacements.map((list) => Uint8Array.from(list)),
  };
}

function differingDigits(a: number, b: number): number {
  let count = 0;
  for (let x = a, y = b; x + y > 0; x = (x / 3) | 0, y = (y / 3) | 0) if (x % 3 !== y % 3) count++;
  return count;
}

function subsets(size: number, k: number): number[] {
  if (k === 0) return [0];
  return Array.from({ length: size }, (_, top) =>
    subsets(top, k - 1).map((rest) => rest | (1 << top)),
  ).flat();
}
