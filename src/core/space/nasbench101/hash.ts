import { createMd5, LANES, type Md5 } from '../md5.js';
import type { CellCode } from '../space.js';
import { columnShift, MAX_VERTICES, opCodeOf, popcount, verticesOf } from './cell.js';

/**
 * nasbench's hash of a cell (`graph_util.hash_module`), equal for isomorphic cells: each vertex begins as the MD5 of
 * `(out-degree, in-degree, label)`, labels -1 for the input, -2 for the output and the op digit otherwise; then, once for
 * each vertex of the cell, every vertex becomes the MD5 of `in|out|own`: the sorted hashes of its in-neighbours, those of
 * its out-neighbours, its own; last, the MD5 of the sorted list as Python prints it.
 *
 * The vertices of a round are hashed side by side, a lane each.
 */
export function moduleHash(cell: CellCode): string {
  md5 ??= createMd5(MAX_BLOCKS);
  const vertices = load(cell, md5);
  for (let round = 0; round < vertices; round++) {
    md5.toHex();
    sortVertices(vertices, md5.digests);
    writeNeighbourhoods(vertices, md5);
    digestLanes(vertices, md5);
  }
  md5.toHex();
  sortVertices(vertices, md5.digests);
  return digestOfList(vertices, md5);
}

/** Blocks of the longest message: the printed list of seven hashes has 252 characters; a neighbourhood at most 226. */
const MAX_BLOCKS = 5;
/** Characters of a hash. */
const HASH = 32;

let md5: Md5 | undefined;
const inMask = new Uint8Array(MAX_VERTICES);
const outMask = new Uint8Array(MAX_VERTICES);
/** Blocks of each vertex's message, and where its three parts begin. */
const blocks = new Uint8Array(MAX_VERTICES);
const inStart = new Uint16Array(MAX_VERTICES);
const outStart = new Uint16Array(MAX_VERTICES);
const ownStart = new Uint16Array(MAX_VERTICES);
/** Vertices in ascending order of their hashes. */
const order = new Uint8Array(MAX_VERTICES);
/** First word of each digest, as a number that compares as its hexadecimal digits do. */
const sortKey = new Uint32Array(MAX_VERTICES);

/**
 * Set up everything about a cell that stays the same over the rounds: its edges, and of the messages all but the hashes;
 * and its first digests. Gives its number of vertices.
 */
function load(cell: CellCode, md5: Md5): number {
  const { digests, messages, messageBytes } = md5;
  const vertices = verticesOf(cell);
  outMask.fill(0);
  for (let y = 0; y < vertices; y++) {
    const column = (cell >>> columnShift(y)) & ((1 << y) - 1);
    inMask[y] = column;
    for (let rest = column; rest !== 0; rest &= rest - 1) outMask[31 - Math.clz32(rest & -rest)]! |= 1 << y;
  }
  let ops = opCodeOf(cell);
  for (let v = 0; v < vertices; v++) {
    let label = v === 0 ? -1 : -2;
    if (v > 0 && v < vertices - 1) {
      label = ops % 3;
      ops = (ops / 3) | 0;
    }
    const ins = popcount(inMask[v]!);
    const outs = popcount(outMask[v]!);
    const first = initialDigest(outs, ins, label, md5);
    for (let r = 0; r < 4; r++) digests[v * 4 + r] = first[r]!;

    const start = v * messageBytes;
    inStart[v] = start;
    outStart[v] = start + ins * HASH + 1;
    ownStart[v] = outStart[v]! + outs * HASH + 1;
    messages.setUint8(outStart[v]! - 1, BAR);
    messages.setUint8(ownStart[v]! - 1, BAR);
    blocks[v] = pad(messages, start, ownStart[v]! + HASH - start);
  }
  return vertices;
}

/** Write what follows a message of so many bytes, MD5's end mark, zeros and length in bits; gives its number of blocks. */
function pad(messages: DataView, start: number, bytes: number): number {
  const blocks = (bytes + 1 + 8 + 63) >>> 6;
  const end = start + blocks * 64;
  messages.setUint8(start + bytes, 0x80);
  for (let at = start + bytes + 1; at < end; at++) messages.setUint8(at, 0);
  messages.setUint16(end - 8, bytes * 8, true);
  return blocks;
}

/** A lane that no vertex has. */
const SPARE = MAX_VERTICES;

/** MD5 of `(out-degree, in-degree, label)`; there are few of them, and each is computed once. */
function initialDigest(outDegree: number, inDegree: number, label: number, md5: Md5): Int32Array {
  const key = (outDegree * MAX_VERTICES + inDegree) * 5 + label + 2;
  let known = initialDigests[key];
  if (known === undefined) {
    const { messages, messageBytes, compress, states, digests } = md5;
    const text = `(${outDegree}, ${inDegree}, ${label})`;
    const start = SPARE * messageBytes;
    for (let i = 0; i < text.length; i++) messages.setUint8(start + i, text.charCodeAt(i));
    pad(messages, start, text.length);
    compress(0);
    takeDigest(SPARE, SPARE, 1, states, digests);
    known = digests.slice(SPARE * 4, SPARE * 4 + 4);
    initialDigests[key] = known;
  }
  return known;
}

const initialDigests: (Int32Array | undefined)[] = [];

/** Sort by the digests, as their hexadecimal strings sort (insertion: seven at most). */
function sortVertices(vertices: number, digests: Int32Array): void {
  for (let v = 0; v < vertices; v++) {
    const key = bigEndian(digests[v * 4]!);
    sortKey[v] = key;
    let at = v;
    for (; at > 0; at--) {
      const other = order[at - 1]!;
      if (sortKey[other]! < key || (sortKey[other] === key && !restLess(v, other, digests))) break;
      order[at] = other;
    }
    order[at] = v;
  }
}

/** Whether the digest of v, whose first word is that of w, comes before w's. */
function restLess(v: number, w: number, digests: Int32Array): boolean {
  for (let r = 1; r < 4; r++) {
    const x = bigEndian(digests[v * 4 + r]!);
    const y = bigEndian(digests[w * 4 + r]!);
    if (x !== y) return x < y;
  }
  return false;
}

const bigEndian = (x: number): number =>
  ((x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24)) >>> 0;

/**
 * Write the hashes of `in|out|own` into each vertex's lane. Taken in their order, the vertices give their hash to the
 * lanes of their out-neighbours and to those of their in-neighbours.
 */
function writeNeighbourhoods(vertices: number, { messages, hex }: Md5): void {
  for (let v = 0; v < vertices; v++) {
    inEnd[v] = inStart[v]!;
    outEnd[v] = outStart[v]!;
  }
  for (let i = 0; i < vertices; i++) {
    const u = order[i]!;
    for (let lanes = outMask[u]!; lanes !== 0; lanes &= lanes - 1) {
      const v = 31 - Math.clz32(lanes & -lanes);
      putHash(messages, inEnd[v]!, hex, u);
      inEnd[v]! += HASH;
    }
    for (let lanes = inMask[u]!; lanes !== 0; lanes &= lanes - 1) {
      const v = 31 - Math.clz32(lanes & -lanes);
      putHash(messages, outEnd[v]!, hex, u);
      outEnd[v]! += HASH;
    }
    putHash(messages, ownStart[u]!, hex, u);
  }
}

const inEnd = new Uint16Array(MAX_VERTICES);
const outEnd = new Uint16Array(MAX_VERTICES);
const BAR = 0x7c;

function putHash(messages: DataView, at: number, hex: Float64Array, i: number): void {
  messages.setFloat64(at, hex[i * 4]!, true);
  messages.setFloat64(at + 8, hex[i * 4 + 1]!, true);
  messages.setFloat64(at + 16, hex[i * 4 + 2]!, true);
  messages.setFloat64(at + 24, hex[i * 4 + 3]!, true);
}

/** Hash all lanes; each one's digest is its state after its own last block. */
function digestLanes(vertices: number, { compress, states, digests }: Md5): void {
  let longest = 0;
  for (let v = 0; v < vertices; v++) longest = Math.max(longest, blocks[v]!);
  for (let k = 0; k < longest; k++) compress(k);
  for (let v = 0; v < vertices; v++) takeDigest(v, v, blocks[v]!, states, digests);
}

function takeDigest(i: number, lane: number, blocks: number, states: Int32Array, digests: Int32Array): void {
  const last = (blocks - 1) * 4 * LANES + lane;
  for (let r = 0; r < 4; r++) digests[i * 4 + r] = states[last + r * LANES]!;
}

/** MD5 of `['…', '…']`, the list of the sorted hashes, in lane 0; as hexadecimal digits. */
function digestOfList(vertices: number, { messages, compress, states, digests, hex, toHex }: Md5): string {
  messages.setUint16(0, LIST_BEGIN, true);
  let at = 2;
  for (let i = 0; i < vertices; i++) {
    putHash(messages, at, hex, order[i]!);
    messages.setUint32(at + HASH, LIST_NEXT, true);
    at += HASH + 4;
  }
  messages.setUint16(at - 4, LIST_END, true);
  const blocks = pad(messages, 0, at - 2);
  for (let k = 0; k < blocks; k++) compress(k);
  takeDigest(0, 0, blocks, states, digests);
  toHex();
  for (let w = 0; w < 4; w++) textWords[w] = hex[w]!;
  return String.fromCharCode(...text);
}

const textWords = new Float64Array(4);
const text = new Uint8Array(textWords.buffer);

/** `['`, `', '` and `']`, little-endian. */
const LIST_BEGIN = 0x275b;
const LIST_NEXT = 0x2720_2c27;
const LIST_END = 0x5d27;
