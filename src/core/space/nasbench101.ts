import { z } from 'zod';
import type { Random } from '../random/random.js';
import { EDGE_BITS, edgeBitsOf, isCell, MAX_VERTICES, opCodeOf, POW3, prune } from './nasbench101/cell.js';
import { decode, encode, SEQUENCE_LENGTH } from './nasbench101/codec.js';
import { editDistance } from './nasbench101/distance.js';
import { type Catalogue, enumerate } from './nasbench101/enumerate.js';
import { moduleHash } from './nasbench101/hash.js';
import { mutateCell } from './nasbench101/mutate.js';
import { edits } from './nasbench101/neighbours.js';
import { properties } from './nasbench101/properties.js';
import { describe, parse } from './nasbench101/text.js';
import { type CellCode, defineSpace, mutantCell, NO_CELL, type Space } from './space.js';

export { edgeBitsOf, isCell, opCodeOf, verticesOf } from './nasbench101/cell.js';
export { cellFromMatrix, cellOf, interiorOps, OPERATIONS } from './nasbench101/text.js';

const SIZE = 423_624;

let kept: Catalogue | undefined;

function catalogue(): Catalogue {
  kept ??= enumerate();
  return kept;
}

function idOf(cell: CellCode): number {
  if (!isCell(cell)) return -1;
  const { rows, rowStart, ids } = catalogue();
  return ids[rowStart[rows[edgeBitsOf(cell)]!]! + opCodeOf(cell)]!;
}

function canonical(cell: CellCode): CellCode {
  const id = idOf(cell);
  return id < 0 ? NO_CELL : catalogue().cells[id]!;
}

/** nasbench's `random_spec`: each entry of the 7×7 matrix with probability ½, each operation alike, until it is valid. */
function sampleGraph(random: Random): CellCode {
  for (;;) {
    const cell = prune(random.int(1 << EDGE_BITS), random.int(POW3[MAX_VERTICES - 2]!), MAX_VERTICES);
    if (cell !== NO_CELL) return canonical(cell);
  }
}

function neighbours(cell: CellCode): CellCode[] {
  const own = canonical(cell);
  const all = new Set<CellCode>();
  for (const edited of edits(own)) all.add(canonical(edited));
  all.delete(own);
  return [...all];
}

/**
 * The NAS-Bench-101 space (arXiv 1902.09635): 423,624 cells of at most 7 vertices, 9 edges and 3 operations, enumerated
 * in memory. Isomorphic cells have one id and one hash.
 */
export const nasbench101: Space = {
  name: 'nasbench101',
  vocabulary: 7,
  sequenceLength: SEQUENCE_LENGTH,
  size: SIZE,
  cells: () => catalogue().cells,
  countByVertices: () => catalogue().byVertices,
  idOf,
  canonical,
  encode,
  decode,
  hash: moduleHash,
  distance: editDistance,
  mutate: (anchor, random) => mutantCell(mutateCell(anchor, random)),
  mutateWithEdits: mutateCell,
  sample: (random) => catalogue().cells[random.int(SIZE)]!,
  sampleGraph,
  neighbours,
  properties,
  describe,
  parse,
};

export const nasbench101Spec = /* @__PURE__ */ defineSpace({
  name: 'nasbench101',
  summary: '423,624 cells of at most 7 vertices, 9 edges and 3 operations',
  source: 'NAS-Bench-101, arXiv 1902.09635; REFERENCE §1–3',
  params: /* @__PURE__ */ z.strictObject({}),
  create: () => nasbench101,
});
