import type { CellCode } from '../space.js';
import { columnShift, edgeBitsOf, opCodeOf, popcount, verticesOf } from './cell.js';
import { leastDistance } from './leastDistance.js';

/**
 * Exact graph edit distance of two cells as directed, vertex-labelled graphs; inserting, deleting or relabeling a vertex
 * and inserting or deleting an edge cost 1 each, input and output are labels like any other. This is what the paper's
 * code asks networkx's `graph_edit_distance` for.
 *
 * Deleting a vertex and inserting another never beats mapping one to the other, so some optimal edit maps every vertex
 * of the smaller cell into the larger one, and the distance is the minimum over these injections of
 * (vertices of b - vertices of a) + labels that differ + (edges of a + edges of b - 2 · edges in common): a depth-first
 * search over them, cut where even keeping all further edges and labels could not beat the best one found.
 *
 * @param limit where the distance is larger than this, the search stops early and gives `limit + 1`
 */
export function editDistance(a: CellCode, b: CellCode, limit = Number.POSITIVE_INFINITY): number {
  if (a === b) return 0;
  if (limit < 8 && leastDistance(a, b) > limit) return limit + 1;
  if (verticesOf(a) > verticesOf(b)) return editDistance(b, a, limit);
  verticesA = load(a, inA, labelA);
  verticesB = load(b, inB, labelB);
  // What the vertices from v on can still save: 1 for a label in common, 2 for each of their in-edges.
  savings[verticesA] = 0;
  for (let v = verticesA - 1; v >= 0; v--) savings[v] = savings[v + 1]! + 1 + 2 * popcount(inA[v]!);
  const unsaved = verticesB + popcount(edgeBitsOf(a)) + popcount(edgeBitsOf(b));
  best = Math.min(unsaved, limit) + 1;
  withLabelB.fill(0);
  for (let w = 0; w < verticesB; w++) withLabelB[labelB[w]!]! |= 1 << w;
  descend(0, unsaved, (1 << verticesB) - 1);
  return best;
}

/** Map vertex v of a and those after it to vertices of b in the bit set `free`; `cost` is what has not been saved yet. */
function descend(v: number, cost: number, free: number): void {
  if (v === verticesA) {
    best = cost;
    return;
  }
  let sources = 0;
  for (let mask = inA[v]!; mask !== 0; mask &= mask - 1) sources |= image[31 - Math.clz32(mask & -mask)]!;
  // Vertices with the same label first: good solutions come early, and cut more.
  const alike = free & withLabelB[labelA[v]!]!;
  descendInto(v, alike, sources, cost - 1, free);
  descendInto(v, free ^ alike, sources, cost, free);
}

function descendInto(v: number, candidates: number, sources: number, cost: number, free: number): void {
  const limit = savings[v + 1]!;
  for (let mask = candidates; mask !== 0; mask &= mask - 1) {
    const bit = mask & -mask;
    const left = cost - 2 * popcount(sources & inB[31 - Math.clz32(bit)]!);
    if (left - limit >= best) continue;
    image[v] = bit;
    descend(v + 1, left, free ^ bit);
  }
}

// The state of one search. Module-level, so that a call allocates nothing; calls do not nest.
const inA = new Uint8Array(8);
const inB = new Uint8Array(8);
const labelA = new Uint8Array(8);
const labelB = new Uint8Array(8);
/** Vertices of b by label, as bit sets. */
const withLabelB = new Uint8Array(5);
const savings = new Uint8Array(8);
/** Image of each vertex of a, as a bit. */
const image = new Uint8Array(8);
let verticesA = 0;
let verticesB = 0;
let best = 0;

/** In-neighbours (a bit set) and label of each vertex: the op digit, 3 for the input, 4 for the output. */
function load(cell: CellCode, inMask: Uint8Array, label: Uint8Array): number {
  const vertices = verticesOf(cell);
  let ops = opCodeOf(cell);
  for (let v = 0; v < vertices; v++) {
    inMask[v] = (cell >>> columnShift(v)) & ((1 << v) - 1);
    label[v] = ops % 3;
    if (v > 0) ops = (ops / 3) | 0;
  }
  label[0] = 3;
  label[vertices - 1] = 4;
  return vertices;
}
