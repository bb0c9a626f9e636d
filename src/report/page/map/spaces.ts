import { columnShift, MAX_VERTICES } from '../../../core/space/nasbench101/cell.js';
import { nasbench101 } from '../../../core/space/nasbench101.js';
import { nasbench201 } from '../../../core/space/nasbench201.js';
import type { CellCode, Space } from '../../../core/space/space.js';

/** The spaces whose cells the page can draw, describe and compare, by their names; of others it knows the codes. */
export const spaces: Readonly<Record<string, Space>> = { nasbench101, nasbench201 };

/** A cell as a graph of labelled vertices, edges from lower to higher ones. */
export interface CellGraph {
  labels: string[];
  edges: [from: number, to: number][];
}

const short = (op: string) =>
  op
    .replace('-bn-relu', '')
    .replace('nor_', '')
    .replace(/(\d)x(\d)/, '$1×$2')
    .replaceAll('_', ' ');

/** The edges of NAS-Bench-201's four nodes, in the order of a cell's operations. */
const edges201 = [
  [0, 1],
  [0, 2],
  [1, 2],
  [0, 3],
  [1, 3],
  [2, 3],
] as const;

/**
 * The graph of a cell. An operation of NAS-Bench-201 stands on an edge there: here it is a vertex, joined to those whose edges follow on from
 * its own; `none` is left out.
 */
export function graphOf(space: Space, cell: CellCode): CellGraph {
  const { matrix, ops } = space.describe(cell);
  if (matrix) {
    const edges = matrix.flatMap((row, x) =>
      row.flatMap((edge, y): [number, number][] => (edge ? [[x, y]] : [])),
    );
    return { labels: ops.map(short), edges };
  }
  const used = edges201.flatMap(([from, to], i) => (ops[i] === 'none' ? [] : [{ from, to, op: ops[i]! }]));
  const vertices = [{ from: -1, to: 0, op: 'input' }, ...used, { from: 3, to: 4, op: 'output' }];
  return {
    labels: vertices.map(({ op }) => short(op)),
    edges: vertices.flatMap((a, x) =>
      vertices.flatMap((b, y): [number, number][] => (x < y && a.to === b.from ? [[x, y]] : [])),
    ),
  };
}

/** Vertices by how many edges the longest path to them has. */
export function layersOf({ labels, edges }: CellGraph): number[] {
  const layers = labels.map(() => 0);
  // Edges to a vertex come before those from it.
  for (const [from, to] of edges) layers[to] = Math.max(layers[to]!, layers[from]! + 1);
  return layers;
}

/** Edges of the longest path from input to output, of every cell. */
export function depthsOf(space: Space, cells: Uint32Array): Uint8Array {
  if (space.name !== nasbench101.name)
    return Uint8Array.from(cells, (cell) => layersOf(graphOf(space, cell)).at(-1)!);
  // The same from the bits of the code: half a million graphs would take seconds.
  const longest = new Uint8Array(MAX_VERTICES);
  return Uint8Array.from(cells, (cell) => {
    let deepest = 0;
    for (let y = 1; y < MAX_VERTICES; y++) {
      longest[y] = 0;
      for (let x = 0; x < y; x++) {
        if ((cell >>> (columnShift(y) + x)) & 1) longest[y] = Math.max(longest[y]!, longest[x]! + 1);
      }
      deepest = Math.max(deepest, longest[y]!);
    }
    return deepest;
  });
}
