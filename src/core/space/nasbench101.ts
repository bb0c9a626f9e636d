import { edgeBitsOf, isCell, opCodeOf } from './nasbench101/cell.js';
import { type Catalogue, enumerate } from './nasbench101/enumerate.js';
import { moduleHash } from './nasbench101/hash.js';
import type { CellCode, Space } from './space.js';

let kept: Catalogue | undefined;
const catalogue = (): Catalogue => {
  kept ??= enumerate();
  return kept;
};

/** Number of cells by number of vertices, index 0..7. */
export const countByVertices = (): readonly number[] => catalogue().byVertices;

function cells(): Uint32Array {
  return catalogue().cells;
}

function idOf(cell: CellCode): number {
  if (!isCell(cell)) return -1;
  const { rows, rowStart, ids } = catalogue();
  return ids[rowStart[rows[edgeBitsOf(cell)]!]! + opCodeOf(cell)]!;
}

function canonical(cell: CellCode): CellCode {
  return cells()[idOf(cell)]!;
}

/** The NAS-Bench-101 space (arXiv 1902.09635): 423,624 cells of at most 7 vertices, 9 edges, 3 operations. */
export const nasbench101 = {
  name: 'nasbench101',
  vocabulary: 7,
  sequenceLength: 27,
  size: 423_624,
  cells,
  idOf,
  canonical,
  hash: moduleHash,
} satisfies Partial<Space>;
