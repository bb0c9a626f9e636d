import { type CellCode, NO_CELL } from '../space.js';
import { columnShift, edgeBitsOf, MAX_VERTICES, opCodeOf, POW3, prune, verticesOf } from './cell.js';

/*
 * The token sequence of a cell (REFERENCE §2): for each column y = 1..n-1 of the adjacency matrix its y entries, then the
 * token of vertex y; (n+2)(n-1)/2 tokens in all, padded with 0.
 */
const PADDING = 0;
const NO_EDGE = 1;
const EDGE = 2;
const OUTPUT = 6;

/** Token by op digit (conv3x3, conv1x1, maxpool3x3): the codec's order of operations is not that of the hash. */
const TOKEN_OF_DIGIT = new Uint8Array([4, 3, 5]);
const FIRST_OP = 3;
const DIGIT_OF_OP = new Uint8Array([1, 0, 2]);

/** Tokens of a padded sequence: (7+2)(7-1)/2. */
export const SEQUENCE_LENGTH = 27;

/** Vertices by length of the unpadded sequence, 0 for a length that no cell has. */
const verticesByLength = new Uint8Array(SEQUENCE_LENGTH + 1);
for (let n = 2; n <= MAX_VERTICES; n++) verticesByLength[((n + 2) * (n - 1)) / 2] = n;

/** Write the padded sequence of the cell into `out[offset .. offset + 27)`. */
export function encode(cell: CellCode, out: Int32Array, offset: number): void {
  const last = verticesOf(cell) - 1;
  const end = offset + SEQUENCE_LENGTH;
  let bits = edgeBitsOf(cell);
  let ops = opCodeOf(cell);
  let at = offset;
  for (let y = 1; y <= last; y++) {
    for (let x = 0; x < y; x++) {
      out[at++] = NO_EDGE + (bits & 1);
      bits >>>= 1;
    }
    if (y < last) {
      const rest = (ops / 3) | 0;
      out[at++] = TOKEN_OF_DIGIT[ops - 3 * rest]!;
      ops = rest;
    }
  }
  out[at++] = OUTPUT;
  while (at < end) out[at++] = PADDING;
}

/**
 * The pruned cell that the 27 tokens from `offset` stand for, or {@link NO_CELL}. What follows the first output token is
 * ignored; what precedes it must have the length and the token ranges of a cell of 2..7 vertices, whatever its number of
 * edges: the limit of nine holds for the pruned cell.
 */
export function decode(tokens: Int32Array, offset: number): CellCode {
  let length = 0;
  while (length < SEQUENCE_LENGTH && tokens[offset + length] !== OUTPUT) length++;
  if (length === SEQUENCE_LENGTH) return NO_CELL;
  const vertices = verticesByLength[length + 1]!;
  if (vertices === 0) return NO_CELL;

  let edges = 0;
  let ops = 0;
  let at = offset;
  for (let y = 1; y < vertices; y++) {
    for (let x = 0; x < y; x++) {
      const token = tokens[at++]!;
      if (token === EDGE) edges |= 1 << (columnShift(y) + x);
      else if (token !== NO_EDGE) return NO_CELL;
    }
    const token = tokens[at++]!;
    if (y < vertices - 1) {
      if (token < FIRST_OP || token >= OUTPUT) return NO_CELL;
      ops += DIGIT_OF_OP[token - FIRST_OP]! * POW3[y - 1]!;
    }
  }
  return prune(edges, ops, vertices);
}
