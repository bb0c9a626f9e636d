import { createHash } from 'node:crypto';
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

let md5: Md5 | undefined;
const inMask = new Uint8Array(MAX_VERTICES);
const outMask = new Uint8Array(MAX_VERTICES);
/** Blocks of each vertex's message. */
const blocks = new Uint8Array(MAX_VERTICES);
/** Vertices in ascending order of their hashes. */
const order = new Uint8Array(MAX_VERTICES);
/** First word of each digest, as a number that compares as its hexadecimal digits do. */
const sortKey = new Uint32Array(MAX_VERTICES);

/** Set up everything about a cell that stays the same over the rounds, and its first digests; gives its vertices. */
function load(cell: CellCode, { digests, words }: Md5): number {
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
    const first = initialDigest(outs, ins, label);
    for (let r = 0; r < 4; r++) digests[v * 4 + r] = first[r]!;

    const bytes = 32 * (ins + outs + 1) + 2;
    blocks[v] = blocksOf(bytes);
    finishMessage(v, bytes, words);
  }
  return vertices;
}

/** MD5 of `(out-degree, in-degree, label)`; there are few of them, and each is computed once. */
function initialDigest(outDegree: number, inDegree: number, label: number): Int32Array {
  const key = (outDegree * MAX_VERTICES + inDegree) * 5 + label + 2;
  let known = initialDigests[key];
  if (known === undefined) {
    const bytes = createHash('md5').update(`(${outDegree}, ${inDegree}, ${label})`).digest();
    known = Int32Array.from([0, 4, 8, 12], (at) => bytes.readInt32LE(at));
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
 * Write `in|out|own` of each vertex into its lane. Taken in their order, the vertices give their hash to the lanes of
 * their out-neighbours, then to those of their in-neighbours. The second part of a message lies one byte, the third two
 * bytes off the word boundaries.
 */
function writeNeighbourhoods(vertices: number, { words, hex }: Md5): void {
  for (let v = 0; v < vertices; v++) {
    end[v] = v;
    carry[v] = BAR;
  }
  for (let i = 0; i < vertices; i++) {
    const u = order[i]!;
    for (let lanes = outMask[u]!; lanes !== 0; lanes &= lanes - 1) {
      const v = 31 - Math.clz32(lanes & -lanes);
      let at = end[v]!;
      for (let w = u * 8; w < u * 8 + 8; w++, at += LANES) words[at] = hex[w]!;
      end[v] = at;
    }
  }
  for (let i = 0; i < vertices; i++) {
    const u = order[i]!;
    for (let lanes = inMask[u]!; lanes !== 0; lanes &= lanes - 1)
      append(u, 31 - Math.clz32(lanes & -lanes), 8, words, hex);
  }
  for (let v = 0; v < vertices; v++) {
    carry[v]! |= BAR << 8;
    append(v, v, 16, words, hex);
    words[end[v]!] = carry[v]! | (END << 16);
  }
}

/** Where each lane's message ends so far, and the bytes after the last whole word. */
const end = new Int32Array(MAX_VERTICES);
const carry = new Int32Array(MAX_VERTICES);

/** Append the hash of u to lane v, `shift` bits off the word boundaries. */
function append(u: number, v: number, shift: number, words: Int32Array, hex: Int32Array): void {
  let at = end[v]!;
  let held = carry[v]!;
  for (let w = u * 8; w < u * 8 + 8; w++, at += LANES) {
    const four = hex[w]!;
    words[at] = held | (four << shift);
    held = four >>> (32 - shift);
  }
  end[v] = at;
  carry[v] = held;
}

const BAR = 0x7c;
/** The byte that ends every MD5 message. */
const END = 0x80;

const blocksOf = (bytes: number): number => (bytes + 1 + 8 + 63) >>> 6;

/** The zeros and the length in bits that follow a message and its {@link END} in a lane. */
function finishMessage(lane: number, bytes: number, words: Int32Array): void {
  const length = blocksOf(bytes) * 16 - 2;
  for (let w = (bytes >>> 2) + 1; w < length; w++) words[w * LANES + lane] = 0;
  words[length * LANES + lane] = bytes * 8;
  words[(length + 1) * LANES + lane] = 0;
}

/** Hash all lanes, and keep each one's digest after its own last block. */
function digestLanes(vertices: number, { compress, state, digests }: Md5): void {
  let done = 0;
  for (let k = 0; done < vertices; k++) {
    compress(k);
    for (let v = 0; v < vertices; v++) {
      if (blocks[v] !== k + 1) continue;
      done++;
      for (let r = 0; r < 4; r++) digests[v * 4 + r] = state[r * LANES + v]!;
    }
  }
}

/** MD5 of `['…', '…']`, the list of the sorted hashes, in lane 0; as hexadecimal digits. */
function digestOfList(vertices: number, { words, compress, state, digests, hex, toHex }: Md5): string {
  // A hash and the four characters between two are nine words; all lie two bytes off the word boundaries.
  let at = 0;
  let carry = LIST_BEGIN;
  for (let i = 0; i < vertices; i++) {
    const first = order[i]! * 8;
    for (let w = first; w < first + 8; w++, at += LANES) {
      words[at] = carry | (hex[w]! << 16);
      carry = hex[w]! >>> 16;
    }
    words[at] = carry | (i < vertices - 1 ? LIST_COMMA : LIST_END);
    carry = LIST_NEXT;
    at += LANES;
  }
  words[at] = END;
  const bytes = vertices * 36;
  finishMessage(0, bytes, words);
  for (let k = 0; k < blocksOf(bytes); k++) compress(k);
  for (let r = 0; r < 4; r++) digests[r] = state[r * LANES]!;
  toHex();
  for (let w = 0; w < 8; w++) textWords[w] = hex[w]!;
  return text.toString('latin1');
}

const textWords = new Int32Array(8);
const text = Buffer.from(textWords.buffer);

/** `['`, `',`, `']` and ` '`, in the half of a word where they stand. */
const LIST_BEGIN = 0x0000_275b;
const LIST_COMMA = 0x2c27_0000;
const LIST_END = 0x5d27_0000;
const LIST_NEXT = 0x0000_2720;
