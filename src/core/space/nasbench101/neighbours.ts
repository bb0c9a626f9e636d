import { type CellCode, NO_CELL } from '../space.js';
import { columnShift, edgeBitsOf, MAX_VERTICES, opCodeOf, POW3, prune, verticesOf } from './cell.js';

/**
 * All cells one edit away, pruned, in no canonical form and with repetitions: one operation replaced; one entry of the
 * upper triangle flipped (what dangles then is pruned); or a vertex with one edge in and one out put in, the inverse of
 * the deletion of REFERENCE §3, without which nothing but an ever smaller cell would be near a small one.
 */
export function* edits(cell: CellCode): Generator<CellCode> {
  const vertices = verticesOf(cell);
  const edges = edgeBitsOf(cell);
  const ops = opCodeOf(cell);
  for (let v = 0; v < vertices - 2; v++) {
    const op = Math.floor(ops / POW3[v]!) % 3;
    for (const other of [(op + 1) % 3, (op + 2) % 3]) {
      yield prune(edges, ops + (other - op) * POW3[v]!, vertices);
    }
  }
  for (let entry = 0; entry < columnShift(vertices); entry++) {
    yield* valid(prune(edges ^ (1 << entry), ops, vertices));
  }
  if (vertices === MAX_VERTICES) return;
  for (let at = 1; at < vertices; at++) {
    const moved = withRoom(edges, vertices, at);
    const below = POW3[at - 1]!;
    const low = ops % below;
    const high = Math.floor(ops / below);
    for (let from = 0; from < at; from++) {
      for (let to = at + 1; to <= vertices; to++) {
        const joined = moved | (1 << (columnShift(at) + from)) | (1 << (columnShift(to) + at));
        for (let op = 0; op < 3; op++) {
          yield* valid(prune(joined, low + (op + 3 * high) * below, vertices + 1));
        }
      }
    }
  }
}

function* valid(cell: CellCode): Generator<CellCode> {
  if (cell !== NO_CELL) yield cell;
}

/** The edges after the vertices from `at` on have moved up by one. */
function withRoom(edges: number, vertices: number, at: number): number {
  const moved = (v: number) => (v < at ? v : v + 1);
  let out = 0;
  for (let y = 1; y < vertices; y++) {
    for (let x = 0; x < y; x++) {
      if ((edges >>> (columnShift(y) + x)) & 1) out |= 1 << (columnShift(moved(y)) + moved(x));
    }
  }
  return out;
}
