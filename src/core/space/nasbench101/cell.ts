import { type CellCode, NO_CELL } from '../space.js';

/*
 * A NAS-Bench-101 cell in one unsigned 32-bit integer, `edgeBits | opCode << 21`:
 * - edge bit `x + y(y-1)/2` is set for an edge x→y, x < y, so column y of the adjacency matrix is y bits at `y(y-1)/2`;
 * - the op code has one base-3 digit an interior vertex, vertex 1 the least significant: 0 conv3x3, 1 conv1x1, 2 maxpool3x3.
 * The number of vertices follows from the highest edge bit, because the output vertex has an in-edge.
 */

/** A cell has at most this many vertices, input and output included. */
export const MAX_VERTICES = 7;
/** A cell has at most this many edges. */
export const MAX_EDGES = 9;
/** Bits of the upper triangle of a 7×7 matrix. */
export const EDGE_BITS = 21;
export const EDGE_MASK = (1 << EDGE_BITS) - 1;

/** 3^k. */
export const POW3: readonly number[] = [1, 3, 9, 27, 81, 243];

/** First bit of column y: y(y-1)/2. */
export const columnShift = (y: number): number => (y * (y - 1)) >> 1;

export const edgeBitsOf = (cell: CellCode): number => cell & EDGE_MASK;
export const opCodeOf = (cell: CellCode): number => cell >>> EDGE_BITS;
export const cellCode = (edgeBits: number, opCode: number): CellCode =>
  (edgeBits | (opCode << EDGE_BITS)) >>> 0;

/** Vertices by the number of significant edge bits: column y reaches up to y(y+1)/2 bits. */
const verticesByLength = new Uint8Array(EDGE_BITS + 1);
for (let length = 1, vertices = 2; length <= EDGE_BITS; length++) {
  if (length > columnShift(vertices)) vertices++;
  verticesByLength[length] = vertices;
}

/** Number of vertices, input and output included: 2..7 (0 for an empty mask). */
export const verticesOf = (cell: CellCode): number => verticesByLength[32 - Math.clz32(cell & EDGE_MASK)]!;

/** Number of set bits of a 32-bit integer. */
export function popcount(bits: number): number {
  let b = bits - ((bits >>> 1) & 0x55555555);
  b = (b & 0x33333333) + ((b >>> 2) & 0x33333333);
  return Math.imul((b + (b >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * Whether the edges on `vertices` vertices are those of a cell: at most nine, and nothing dangling, i.e. every vertex but
 * the input has an in-edge and every vertex but the output an out-edge (in an upper-triangular graph every vertex then
 * lies on a path from input to output, so pruning would change nothing).
 */
export function isFullDag(edgeBits: number, vertices: number): boolean {
  // First what most often says no.
  if (popcount(edgeBits) > MAX_EDGES) return false;
  let sources = 0;
  for (let y = vertices - 1; y > 0; y--) {
    const column = (edgeBits >>> columnShift(y)) & ((1 << y) - 1);
    if (column === 0) return false;
    sources |= column;
  }
  return sources === (1 << (vertices - 1)) - 1;
}

/** Whether the number is the code of a cell of the space, canonical or not. */
export function isCell(cell: CellCode): boolean {
  const vertices = verticesOf(cell);
  return vertices >= 2 && opCodeOf(cell) < POW3[vertices - 2]! && isFullDag(cell & EDGE_MASK, vertices);
}

/**
 * The cell that is left of a graph when everything that is not on a path from vertex 0 to vertex `vertices - 1` is
 * removed (nasbench `ModelSpec` pruning), or {@link NO_CELL} where nothing is left or more than nine edges are.
 *
 * @param edgeBits any upper-triangular graph on `vertices` vertices
 * @param opCode base-3 digits of its `vertices - 2` interior vertices
 */
export function prune(edgeBits: number, opCode: number, vertices: number): CellCode {
  let forward = 1;
  for (let y = 1; y < vertices; y++)
    if ((edgeBits >>> columnShift(y)) & forward & ((1 << y) - 1)) forward |= 1 << y;
  let backward = 1 << (vertices - 1);
  for (let y = vertices - 1; y > 0; y--) {
    if ((backward >>> y) & 1) backward |= (edgeBits >>> columnShift(y)) & ((1 << y) - 1);
  }
  const kept = forward & backward;
  if ((kept & 1) === 0 || kept >>> (vertices - 1) === 0) return NO_CELL;
  return keepVertices(edgeBits, opCode, vertices, kept);
}

/** The graph without interior vertex `v` and its edges; not pruned, hence not always a cell. */
export function withoutVertex(cell: CellCode, v: number): CellCode {
  const vertices = verticesOf(cell);
  return keepVertices(edgeBitsOf(cell), opCodeOf(cell), vertices, ((1 << vertices) - 1) ^ (1 << v));
}

/** The subgraph on the vertices of the bit set `kept` (input and output among them); NO_CELL beyond nine edges. */
function keepVertices(edgeBits: number, opCode: number, vertices: number, kept: number): CellCode {
  let edges = 0;
  let ops = 0;
  let place = 1;
  let y2 = 0;
  let rest = opCode;
  for (let y = 0; y < vertices; y++) {
    const interior = y > 0 && y < vertices - 1;
    if ((kept >>> y) & 1) {
      let x2 = columnShift(y2);
      for (let x = 0; x < y; x++) {
        if ((kept >>> x) & 1) edges |= ((edgeBits >>> (columnShift(y) + x)) & 1) << x2++;
      }
      if (interior) {
        ops += (rest % 3) * place;
        place *= 3;
      }
      y2++;
    }
    if (interior) rest = (rest / 3) | 0;
  }
  return popcount(edges) > MAX_EDGES ? NO_CELL : cellCode(edges, ops);
}
