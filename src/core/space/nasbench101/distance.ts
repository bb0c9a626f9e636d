import type { CellCode } from '../space.js';
import { columnShift, opCodeOf, popcount, verticesOf } from './cell.js';

/**
 * Exact graph edit distance of two cells as directed, vertex-labelled graphs; inserting, deleting or relabeling a vertex
 * and inserting or deleting an edge cost 1 each, input and output are labels like any other. This is what the paper's
 * code asks networkx's `graph_edit_distance` for.
 *
 * Deleting a vertex and inserting another never beats mapping one to the other, so some optimal edit maps every vertex
 * of the smaller cell into the larger one, and the distance is the minimum over these injections of
 * (vertices of b - vertices of a) + labels that differ + (edges of a + edges of b - 2 · edges in common): a depth-first
 * search over them, cut where even keeping all further edges and labels could not beat the best one found.
 */
export function editDistance(a: CellCode, b: CellCode): number {
  if (a === b) return 0;
  if (verticesOf(a) > verticesOf(b)) return editDistance(b, a);
  const n = load(a, inA, labelA);
  m = load(b, inB, labelB);
  last = n - 1;

  // Bounds by depth: at most so many of a's edges, and of its labels, can still find a partner.
  let edgesA = 0;
  let edgesB = 0;
  for (let v = 0; v < m; v++) edgesB += popcount(inB[v]!);
  for (let v = last; v >= 0; v--) {
    edgesLeft[v] = edgesA;
    edgesA += popcount(inA[v]!);
  }
  best = m + edgesA + edgesB;
  // Every vertex starts out as mismatched, every edge as unshared; a match takes 1 off, a shared edge 2.
  descend(0, m + edgesA + edgesB, 0);
  return best;
}

// The state of one search. Module-level, so that a call allocates nothing; calls do not nest.
const inA = new Uint8Array(8);
const inB = new Uint8Array(8);
const labelA = new Uint8Array(8);
const labelB = new Uint8Array(8);
const edgesLeft = new Uint8Array(8);
/** Image of each vertex of a, as a bit. */
const image = new Uint8Array(8);
let m = 0;
let last = 0;
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
