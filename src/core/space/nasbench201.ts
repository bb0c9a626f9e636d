import { z } from 'zod';
import { usageError } from '../errors.js';
import type { Random } from '../random/random.js';
import { benchmarkOrder } from './nasbench201/order.js';
import {
  type CellCode,
  type CellDescription,
  defineSpace,
  type Mutant,
  mutant,
  mutantCell,
  NO_CELL,
  type Space,
} from './space.js';

/*
 * NAS-Bench-201 (arXiv 2001.00326): four nodes, an operation on each of the six edges j→i, j < i, in the order of the
 * architecture string. A cell's code is its operations as a base-5 number, the first edge's the most significant digit.
 */
const OPERATIONS = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'] as const;
const NONE = 0;
const EDGES: readonly (readonly [from: number, to: number])[] = [
  [0, 1],
  [0, 2],
  [1, 2],
  [0, 3],
  [1, 3],
  [2, 3],
];
const LAST_NODE = 3;
const SIZE = OPERATIONS.length ** EDGES.length;
const place = EDGES.map((_, edge) => OPERATIONS.length ** (EDGES.length - 1 - edge));

const operation = (cell: CellCode, edge: number): number => ((cell / place[edge]!) | 0) % OPERATIONS.length;

/*
 * Tokens: 0 padding and start, 1 no edge, 2 edge, 3..6 the operations but `none`, 7 output. As in the reference, each edge
 * of the cell is a vertex of the encoded graph, between an input and an output vertex, and joined to those it follows on
 * from; the sequence is that of nasbench101, for 8 vertices: 35 tokens. The reference leaves `none` out, so that several
 * architectures share a shorter sequence. Here such a vertex stays, joined to nothing, with token 1 for its operation:
 * equal to the reference where no operation is `none`, and one sequence an architecture everywhere.
 */
const NO_EDGE = 1;
const EDGE = 2;
const FIRST_OPERATION = 3;
const OUTPUT = 7;
const SEQUENCE_LENGTH = 35;

/** The sequence of a cell without `none`, with 0 where the operations stand, and those places. */
const frame = new Int32Array(SEQUENCE_LENGTH);
const operationAt: number[] = [];
/** Of each edge token: the vertices that it joins, as indices of edges of the cell; -1 for input and output. */
const joined: { at: number; edges: number[] }[] = [];
{
  let at = 0;
  for (let y = 0; y <= EDGES.length; y++) {
    for (let x = -1; x < y; x++) {
      const end = x < 0 ? 0 : EDGES[x]![1];
      const begin = y < EDGES.length ? EDGES[y]![0] : LAST_NODE;
      frame[at] = end === begin ? EDGE : NO_EDGE;
      if (end === begin)
        joined.push({ at, edges: [x, y].filter((edge) => edge >= 0 && edge < EDGES.length) });
      at++;
    }
    if (y < EDGES.length) operationAt.push(at++);
    else frame[at] = OUTPUT;
  }
}

/** All sequences by code, computed once: 15,625 × 35. */
let sequences: Int32Array | undefined;

function allSequences(): Int32Array {
  if (sequences) return sequences;
  const all = new Int32Array(SIZE * SEQUENCE_LENGTH);
  for (let cell = 0; cell < SIZE; cell++) {
    const row = all.subarray(cell * SEQUENCE_LENGTH, (cell + 1) * SEQUENCE_LENGTH);
    row.set(frame);
    for (let edge = 0; edge < EDGES.length; edge++) {
      const op = operation(cell, edge);
      row[operationAt[edge]!] = op === NONE ? NO_EDGE : FIRST_OPERATION - 1 + op;
    }
    for (const { at, edges } of joined) {
      if (edges.some((edge) => operation(cell, edge) === NONE)) row[at] = NO_EDGE;
    }
  }
  sequences = all;
  return all;
}

function encode(cell: CellCode, out: Int32Array, offset: number): void {
  const all = allSequences();
  const from = cell * SEQUENCE_LENGTH;
  for (let i = 0; i < SEQUENCE_LENGTH; i++) out[offset + i] = all[from + i]!;
}

/** Operations determine the cell; the edges must be those that follow from them. */
function decode(tokens: Int32Array, offset: number): CellCode {
  let cell = 0;
  for (const at of operationAt) {
    const token = tokens[offset + at]!;
    if (token !== NO_EDGE && (token < FIRST_OPERATION || token >= OUTPUT)) return NO_CELL;
    cell = cell * OPERATIONS.length + (token === NO_EDGE ? NONE : token - FIRST_OPERATION + 1);
  }
  const all = allSequences();
  const from = cell * SEQUENCE_LENGTH;
  for (let i = 0; i < SEQUENCE_LENGTH; i++) if (tokens[offset + i] !== all[from + i]) return NO_CELL;
  return cell;
}

let order: Uint32Array | undefined;
let ids: Int32Array | undefined;

function cells(): Uint32Array {
  order ??= benchmarkOrder(SIZE);
  return order;
}

function idOf(cell: CellCode): number {
  if (!ids) {
    ids = new Int32Array(SIZE);
    cells().forEach((code, id) => {
      ids![code] = id;
    });
  }
  return ids[cell] ?? -1;
}

/** One operation of six replaced by one of the four others: the reference's ratio of distances is 1/0/0 here. */
function mutateWithEdits(anchor: CellCode, random: Random): Mutant {
  const drawn = random.int(EDGES.length * (OPERATIONS.length - 1));
  const edge = drawn >> 2;
  const op = operation(anchor, edge);
  const other = (op + 1 + (drawn & 3)) % OPERATIONS.length;
  return mutant(anchor + (other - op) * place[edge]!, 1);
}

/** Every architecture is as likely as any other also where operations are drawn one by one. */
const sample = (random: Random) => cells()[random.int(SIZE)]!;

function distance(a: CellCode, b: CellCode, limit = EDGES.length): number {
  let differing = 0;
  for (let edge = 0; edge < EDGES.length; edge++) if (operation(a, edge) !== operation(b, edge)) differing++;
  return Math.min(differing, limit + 1);
}

function describe(cell: CellCode): CellDescription {
  const ops = EDGES.map((_, edge) => OPERATIONS[operation(cell, edge)]!);
  const text = [1, 2, 3]
    .map(
      (to) =>
        `|${ops.flatMap((op, edge) => (EDGES[edge]![1] === to ? [`${op}~${EDGES[edge]![0]}|`] : [])).join('')}`,
    )
    .join('+');
  return { hash: text, ops, text };
}

function parse(text: string): CellCode {
  const hint = `expected a string like '${describe(0).text}', operations ${OPERATIONS.join(', ')}`;
  const terms = text
    .trim()
    .split(/[|+]+/)
    .filter((term) => term !== '');
  if (terms.length !== EDGES.length) throw usageError(`not a NAS-Bench-201 architecture: '${text}'`, hint);
  let cell = 0;
  terms.forEach((term, edge) => {
    const [name, from] = term.split('~');
    const op = (OPERATIONS as readonly string[]).indexOf(name!);
    if (op < 0) throw usageError(`unknown operation '${name}' in architecture '${text}'`, hint);
    if (from !== String(EDGES[edge]![0]))
      throw usageError(`not a NAS-Bench-201 architecture: '${text}', at '${term}'`, hint);
    cell = cell * OPERATIONS.length + op;
  });
  return cell;
}

/**
 * The NAS-Bench-201 space: 15,625 architectures, each of its own identity. Cells that compute the same (a `none` beside a
 * `skip_connect`, isomorphic ones) are distinct entries, as in the benchmark's own tables; a cell's id is its index there.
 */
export const nasbench201: Space = {
  name: 'nasbench201',
  vocabulary: 8,
  sequenceLength: SEQUENCE_LENGTH,
  size: SIZE,
  cells,
  countByVertices: () => ({ 4: SIZE }),
  idOf,
  canonical: (cell) => cell,
  encode,
  decode,
  hash: (cell) => describe(cell).text,
  distance,
  mutate: (anchor, random) => mutantCell(mutateWithEdits(anchor, random)),
  mutateWithEdits,
  sample,
  sampleGraph: sample,
  neighbours: (cell) =>
    place.flatMap((value, edge) => {
      const without = cell - operation(cell, edge) * value;
      return OPERATIONS.map((_, op) => without + op * value).filter((other) => other !== cell);
    }),
  /** One of five for each edge. */
  properties: (cell) =>
    EDGES.flatMap((_, edge) => OPERATIONS.map((_, op) => Number(operation(cell, edge) === op))),
  describe,
  parse,
};

export const nasbench201Spec = /* @__PURE__ */ defineSpace({
  name: 'nasbench201',
  summary: '15,625 cells: one of five operations on each of six edges',
  source: 'NAS-Bench-201, arXiv 2001.00326',
  params: /* @__PURE__ */ z.strictObject({}),
  create: () => nasbench201,
});
