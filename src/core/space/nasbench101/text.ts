import { usageError } from '../../errors.js';
import { type CellCode, type CellDescription, NO_CELL } from '../space.js';
import {
  cellCode,
  columnShift,
  EDGE_BITS,
  edgeBitsOf,
  isCell,
  MAX_EDGES,
  MAX_VERTICES,
  opCodeOf,
  POW3,
  prune,
  verticesOf,
} from './cell.js';
import { moduleHash } from './hash.js';

/** Operations by op digit, as NAS-Bench-101 names them. */
export const OPERATIONS = ['conv3x3-bn-relu', 'conv1x1-bn-relu', 'maxpool3x3'] as const;

const shortName = (op: string) => op.replace('-bn-relu', '');

/** The op digits of the interior vertices, vertex 1 first, e.g. `00121`; empty for two vertices. */
export function interiorOps(cell: CellCode): string {
  let text = '';
  let rest = opCodeOf(cell);
  for (let v = verticesOf(cell) - 2; v > 0; v--) {
    text += rest % 3;
    rest = (rest / 3) | 0;
  }
  return text;
}

/**
 * The cell of a table row, or {@link NO_CELL} where the row is none: `edgeBits` as in the code, `ops` as
 * {@link interiorOps} gives them. Nothing is pruned.
 */
export function cellOf(vertices: number, edgeBits: number, ops: string): CellCode {
  if (!Number.isInteger(edgeBits) || edgeBits <= 0 || edgeBits >>> EDGE_BITS !== 0) return NO_CELL;
  if (ops.length !== vertices - 2 || !/^[012]*$/.test(ops)) return NO_CELL;
  let opCode = 0;
  for (let v = 0; v < ops.length; v++) opCode += Number(ops[v]) * POW3[v]!;
  const cell = cellCode(edgeBits, opCode);
  return verticesOf(cell) === vertices && isCell(cell) ? cell : NO_CELL;
}

/**
 * The pruned cell of an adjacency matrix and its operations.
 *
 * @param matrix square, upper-triangular, 2..7 rows of 0 and 1: row x has 1 at y for an edge x→y
 * @param ops one a vertex: `input`, operations (`conv3x3-bn-relu` or `conv3x3`, …), `output`
 * @throws usage error that names what is wrong
 */
export function cellFromMatrix(matrix: readonly (readonly number[])[], ops: readonly string[]): CellCode {
  const vertices = matrix.length;
  if (vertices < 2 || vertices > MAX_VERTICES) {
    throw usageError(`a cell of ${vertices} vertices`, `NAS-Bench-101 cells have 2 to ${MAX_VERTICES}`);
  }
  if (ops.length !== vertices) {
    throw usageError(
      `${ops.length} operations for ${vertices} vertices`,
      'give one a vertex, input and output included',
    );
  }
  if (ops[0] !== 'input' || ops[vertices - 1] !== 'output') {
    throw usageError(
      `operations from '${ops[0]}' to '${ops[vertices - 1]}'`,
      "the first must be 'input', the last 'output'",
    );
  }
  let edges = 0;
  matrix.forEach((row, x) => {
    if (row.length !== vertices)
      throw usageError(`row ${x} of the matrix has ${row.length} entries`, `expected ${vertices}`);
    row.forEach((entry, y) => {
      if (entry !== 0 && entry !== 1)
        throw usageError(`matrix entry [${x}][${y}] is ${entry}`, 'entries are 0 or 1');
      if (entry === 0) return;
      if (x >= y)
        throw usageError(
          `matrix entry [${x}][${y}] is not above the diagonal`,
          'order the vertices topologically',
        );
      edges |= 1 << (columnShift(y) + x);
    });
  });
  let opCode = 0;
  for (let v = 1; v < vertices - 1; v++) opCode += digitOf(ops[v]!) * POW3[v - 1]!;
  const cell = prune(edges, opCode, vertices);
  if (cell === NO_CELL) {
    throw usageError(
      `no cell of NAS-Bench-101: without a path from input to output, or more than ${MAX_EDGES} edges`,
      'check the matrix',
    );
  }
  return cell;
}

function digitOf(op: string): number {
  const digit = OPERATIONS.findIndex((known) => op === known || op === shortName(known));
  if (digit < 0) throw usageError(`unknown operation '${op}'`, `known: ${OPERATIONS.join(', ')}`);
  return digit;
}

/**
 * A cell from text, pruned: JSON `{"matrix": [[…]], "ops": […]}`, or the short form of {@link describe}, operations and
 * edges, e.g. `conv3x3 maxpool3x3 | 01 02 13 23`.
 *
 * @throws usage error that names what is wrong
 */
export function parse(text: string): CellCode {
  const short = /^([^|{]*)\|((?:\s*\d\d)*)\s*$/.exec(text);
  if (short) {
    const interior = short[1]!.split(/\s+/).filter(Boolean);
    const vertices = interior.length + 2;
    const matrix = Array.from({ length: vertices }, () => Array<number>(vertices).fill(0));
    for (const [x, y] of short[2]!.match(/\d\d/g) ?? []) {
      const row = matrix[Number(x)];
      if (row?.[Number(y)] === undefined)
        throw usageError(`edge ${x}${y} of a cell of ${vertices} vertices`, 'vertices are numbered from 0');
      row[Number(y)] = 1;
    }
    return cellFromMatrix(matrix, ['input', ...interior, 'output']);
  }
  const hint = `expected JSON {"matrix": [[0, 1], [0, 0]], "ops": ["input", "output"]}, or 'conv3x3 | 01 12'`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw usageError(`not a NAS-Bench-101 cell: '${text}'`, hint, { cause });
  }
  const { matrix, ops } = (value ?? {}) as { matrix?: unknown; ops?: unknown };
  if (!Array.isArray(matrix) || !matrix.every(Array.isArray) || !Array.isArray(ops)) {
    throw usageError(`not a NAS-Bench-101 cell: '${text}'`, hint);
  }
  return cellFromMatrix(matrix, ops);
}

/** A cell for people and JSON. */
export function describe(cell: CellCode): CellDescription {
  const vertices = verticesOf(cell);
  const edgeBits = edgeBitsOf(cell);
  const matrix = Array.from({ length: vertices }, (_, x) =>
    Array.from({ length: vertices }, (_, y) => (x < y ? (edgeBits >>> (columnShift(y) + x)) & 1 : 0)),
  );
  const interior = [...interiorOps(cell)].map((digit) => OPERATIONS[Number(digit)]!);
  const edges = matrix.flatMap((row, x) => row.flatMap((entry, y) => (entry ? [`${x}${y}`] : [])));
  return {
    hash: moduleHash(cell),
    matrix,
    ops: ['input', ...interior, 'output'],
    text: [...interior.map(shortName), '|', ...edges].join(' '),
  };
}
