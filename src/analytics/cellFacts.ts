import type { CellCode, CellDescription, Space } from '../core/space/index.js';

/** What a cell is made of, for tables and pages. */
export interface CellFacts {
  space: string;
  cell: CellCode;
  /** Place in the space's order. */
  id: number;
  hash: string;
  text: string;
  ops: string[];
  /** Vertices, edges, and edges of the longest path from input to output; undefined in a space of edges (nasbench201). */
  vertices?: number;
  edges?: number;
  depth?: number;
}

export function cellFacts(space: Space, cell: CellCode): CellFacts {
  const { hash, ops, text, matrix } = space.describe(cell);
  return {
    space: space.name,
    cell,
    id: space.idOf(cell),
    hash,
    text,
    ops,
    ...(matrix && graphFacts(matrix)),
  };
}

function graphFacts(matrix: NonNullable<CellDescription['matrix']>) {
  const longest = matrix.map(() => 0);
  let edges = 0;
  for (const [from, row] of matrix.entries()) {
    for (const [to, edge] of row.entries()) {
      if (!edge) continue;
      edges++;
      longest[to] = Math.max(longest[to]!, longest[from]! + 1);
    }
  }
  return { vertices: matrix.length, edges, depth: longest.at(-1)! };
}
