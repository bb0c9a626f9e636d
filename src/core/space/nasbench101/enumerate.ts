import { cellCode, columnShift, EDGE_BITS, MAX_EDGES, MAX_VERTICES, POW3 } from './cell.js';

/** Every cell of the space, and the id of every labelled graph. */
export interface Catalogue {
  /** The 423,624 canonical cells, ordered by vertices, edge mask, op code; the id of a cell is its place. */
  readonly cells: Uint32Array;
  /** Row of an edge mask in {@link ids}, 1-based; 0 for a mask that is no cell's. Length 2^21. */
  readonly rows: Uint16Array;
  /** Where each row begins in {@link ids}; index 0 is unused. */
  readonly rowStart: Int32Array;
  /** Id by row start + op code, for each of the 1,293,208 labelled graphs of the space. */
  readonly ids: Int32Array;
  /** Number of cells by number of vertices, 2..7. */
  readonly byVertices: Readonly<Record<number, number>>;
}

const CELLS = 423_624;
const LABELLED_GRAPHS = 1_293_208;

/**
 * Enumerate NAS-Bench-101 up to isomorphism, from nothing.
 *
 * Edge masks of one size are visited in ascending order. The first of an isomorphism class is the smallest, hence
 * canonical; applying every relabeling of its interior vertices that stays upper-triangular to it reaches the rest of
 * the class. Relabelings that give the same mask again are its automorphisms: of the labelings that they join, the
 * smallest op code is canonical. So each class costs at most 5! relabelings, and each labelled graph gets its id at once.
 */
export function enumerate(): Catalogue {
  const cells = new Uint32Array(CELLS);
  const rows = new Uint16Array(1 << EDGE_BITS);
  const rowStart: number[] = [0];
  const ids = new Int32Array(LABELLED_GRAPHS);
  const byVertices: Record<number, number> = {};
  let cellCount = 0;
  let idCount = 0;

  for (let vertices = 2; vertices <= MAX_VERTICES; vertices++) {
    const labelings = POW3[vertices - 2]!;
    const relabelings = interiorRelabelings(vertices);
    const before = cellCount;
    const addRow = (mask: number): number => {
      rows[mask] = rowStart.push(idCount) - 1;
      idCount += labelings;
      return idCount - labelings;
    };

    for (const mask of fullDags(vertices)) {
      if (rows[mask] !== 0) continue;
      const automorphisms: Uint8Array[] = [];
      const start = addRow(mask);
      // The members of the class, each with how its op codes follow from those of the canonical mask.
      const others: { start: number; moved: Uint8Array }[] = [];
      for (const { target, moved } of relabelings) {
        const image = relabel(mask, target, vertices);
        if (image === mask) automorphisms.push(moved);
        else if (image !== 0 && rows[image] === 0) others.push({ start: addRow(image), moved });
      }
      for (let ops = 0; ops < labelings; ops++) {
        let least = ops;
        for (const moved of automorphisms) if (moved[ops]! < least) least = moved[ops]!;
        if (least === ops) {
          ids[start + ops] = cellCount;
          cells[cellCount++] = cellCode(mask, ops);
        } else {
          ids[start + ops] = ids[start + least]!;
        }
      }
      for (const other of others) {
        for (let ops = 0; ops < labelings; ops++) ids[other.start + other.moved[ops]!] = ids[start + ops]!;
      }
    }
    byVertices[vertices] = cellCount - before;
  }
  return { cells, rows, rowStart: Int32Array.from(rowStart), ids, byVertices };
}

/** All edge masks of cells with so many vertices, ascending. */
function fullDags(vertices: number): number[] {
  const masks: number[] = [];
  // Columns from the last to the first: when column y is chosen, all out-edges of vertex y are known (`sources`).
  const descend = (y: number, mask: number, edges: number, sources: number): void => {
    if (y === 0) {
      if (sources & 1) masks.push(mask);
      return;
    }
    if (y < vertices - 1 && ((sources >>> y) & 1) === 0) return;
    for (let column = 1; column < 1 << y; column++) {
      // Each of the y - 1 columns that are left needs an edge too.
      const count = edges + bitCount[column]!;
      if (count + y - 1 <= MAX_EDGES)
        descend(y - 1, mask | (column << columnShift(y)), count, sources | column);
    }
  };
  descend(vertices - 1, 0, 0, 0);
  return masks;
}

const bitCount = new Uint8Array(1 << (MAX_VERTICES - 1));
for (let i = 1; i < bitCount.length; i++) bitCount[i] = bitCount[i >> 1]! + (i & 1);

interface Relabeling {
  /** New index of each vertex; input and output stay. */
  target: readonly number[];
  /** Op code after the relabeling, by op code before it. */
  moved: Uint8Array;
}

/** Every permutation of the interior vertices but the identity. */
function interiorRelabelings(vertices: number): Relabeling[] {
  const all: Relabeling[] = [];
  const extend = (target: number[]): void => {
    if (target.length < vertices - 1) {
      for (let v = 1; v < vertices - 1; v++) if (!target.includes(v)) extend([...target, v]);
    } else if (target.some((to, from) => to !== from)) {
      all.push({ target: [...target, vertices - 1], moved: movedOps(target, vertices) });
    }
  };
  if (vertices > 3) extend([0]);
  return all;
}

function movedOps(target: readonly number[], vertices: number): Uint8Array {
  const moved = new Uint8Array(POW3[vertices - 2]!);
  for (let ops = 0; ops < moved.length; ops++) {
    let sum = 0;
    for (let v = 1; v < vertices - 1; v++) sum += (((ops / POW3[v - 1]!) | 0) % 3) * POW3[target[v]! - 1]!;
    moved[ops] = sum;
  }
  return moved;
}

/** The edge mask after relabeling, or 0 where it is no longer upper-triangular. */
function relabel(mask: number, target: readonly number[], vertices: number): number {
  let image = 0;
  for (let y = 1; y < vertices; y++) {
    const to = target[y]!;
    let column = (mask >>> columnShift(y)) & ((1 << y) - 1);
    for (; column !== 0; column &= column - 1) {
      const from = target[31 - Math.clz32(column & -column)]!;
      if (from >= to) return 0;
      image |= 1 << (columnShift(to) + from);
    }
  }
  return image;
}
