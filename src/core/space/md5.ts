/*
 * MD5 of eight messages at once, in WebAssembly SIMD. nasbench's hash of one cell takes up to 57 MD5s of short strings,
 * of which those of one round do not depend on each other; a library call a string spends its time around the 64 steps.
 * The module is assembled here from RFC 1321's own terms, instead of being carried as bytes.
 */

/** Messages that are hashed side by side. */
export const LANES = 8;

/** Four lanes are one vector. Two vectors in turn keep the processor busy: a step waits for the one before. */
const VECTORS = LANES / 4;
const ROTATIONS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

// Memory, in bytes: after these come the states, one for each block and the initial one before them, and the messages.
const CONSTANTS = 0;
const WORDS = CONSTANTS + 64 * 16;
const DIGESTS = WORDS + 16 * LANES * 4;
const HEX = DIGESTS + LANES * 16;
const STATES = HEX + LANES * 32;
const STATE_BYTES = LANES * 16;

export interface Md5 {
  /** The messages, with their padding: block k of a lane at byte `lane * messageBytes + k * 64`. */
  readonly messages: DataView;
  readonly messageBytes: number;
  /** Take block `k` of every lane, after block `k - 1`. */
  compress(k: number): void;
  /** The states after each block: word r (0..3) of a lane after block k at `(k * 4 + r) * LANES + lane`. */
  readonly states: Int32Array;
  /** Digests to be printed, put here by the caller: word r of digest i < 8 at `i * 4 + r`. */
  readonly digests: Int32Array;
  /** Write the hexadecimal digits of all {@link digests} into {@link hex}. */
  toHex(): void;
  /** The 32 characters of digest i, eight in each number, from `i * 4`. (No digits look like a NaN: safe to copy.) */
  readonly hex: Float64Array;
}

/** @param blocks how many blocks of 64 bytes the longest message has, padding included */
export function createMd5(blocks: number): Md5 {
  const messageBytes = blocks * 64;
  const messages = STATES + (blocks + 1) * STATE_BYTES;
  const memory = new WebAssembly.Memory({ initial: Math.ceil((messages + LANES * messageBytes) / 65536) });
  const module = new WebAssembly.Module(assemble(messageBytes));
  const { exports } = new WebAssembly.Instance(module, { js: { memory } });
  const compress = exports.compress as (state: number, block: number) => void;
  const initial = new Int32Array(memory.buffer, STATES, 4 * LANES);
  for (let r = 0; r < 4; r++) initial.fill(INITIAL[r]!, r * LANES, (r + 1) * LANES);
  const constants = new Int32Array(memory.buffer, CONSTANTS, 64 * 4);
  for (let i = 0; i < 64; i++)
    constants.fill(Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32), i * 4, i * 4 + 4);
  return {
    messages: new DataView(memory.buffer, messages, LANES * messageBytes),
    messageBytes,
    compress: (k) => compress(STATES + k * STATE_BYTES, messages + k * 64),
    states: new Int32Array(memory.buffer, STATES + STATE_BYTES, blocks * 4 * LANES),
    digests: new Int32Array(memory.buffer, DIGESTS, 4 * LANES),
    toHex: exports.toHex as () => void,
    hex: new Float64Array(memory.buffer, HEX, 4 * LANES),
  };
}

const I32 = 0x7f;
const V128 = 0x7b;
const simd = (op: number) => [0xfd, ...leb(op)];
const get = (local: number) => [0x20, ...leb(local)];
const set = (local: number) => [0x21, ...leb(local)];
const tee = (local: number) => [0x22, ...leb(local)];
const address = (value: number) => [0x41, ...leb(value)];
const count = address;
const load = (offset: number) => [...simd(0x00), 4, ...leb(offset)];
const store = (offset: number) => [...simd(0x0b), 4, ...leb(offset)];
const bytes = (values: readonly number[]) => [...simd(0x0c), ...values];
/** Choose from the sixteen-byte vectors a and b: bytes, or words of four, of a and then b. */
const shuffleBytes = (from: readonly number[]) => [...simd(0x0d), ...from];
const shuffle = (from: readonly number[]) =>
  shuffleBytes(from.flatMap((w) => [0, 1, 2, 3].map((b) => w * 4 + b)));
const swizzle = simd(0x0e);
const not = simd(0x4d);
const and = simd(0x4e);
const or = simd(0x50);
const xor = simd(0x51);
const select = simd(0x52);
const shiftBytesRight = simd(0x6d);
const shiftLeft = simd(0xab);
const shiftRight = simd(0xad);
const add = simd(0xae);

/**
 * `compress(state, block)`: RFC 1321's 64 steps, for each vector of lanes; the new state is put after the old one. First
 * the words of the block are laid out by lanes: four words of four lanes at a time are a 4×4 matrix, transposed.
 */
function compressBody(messageBytes: number): number[] {
  const [from, block, x] = [0, 1, 2] as const;
  const local = (vector: number, register: number) => 3 + vector * 4 + register;
  const vectors = Array.from({ length: VECTORS }, (_, v) => v);
  const four = [0, 1, 2, 3];
  const code: number[] = [1, ...leb(VECTORS * 4 + 1), V128];

  const wordAt = (word: number, v: number) => WORDS + (word * VECTORS + v) * 16;
  for (const v of vectors) {
    for (let word = 0; word < 16; word += 4) {
      const row = (lane: number) => [...get(block), ...load((v * 4 + lane) * messageBytes + word * 4)];
      const [low, high] = [0, 2].map((w) => [w, w + 4, w + 1, w + 5]);
      const halves = [low!, high!].flatMap((lanes) =>
        [0, 2].map((lane) => [...row(lane), ...row(lane + 1), ...shuffle(lanes)]),
      );
      for (const [i, half] of halves.entries()) code.push(...half, ...set(local(0, i)));
      for (const w of four) {
        const pair = w < 2 ? 0 : 2;
        const lanes = w % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7];
        code.push(...address(0), ...get(local(0, pair)), ...get(local(0, pair + 1)), ...shuffle(lanes));
        code.push(...store(wordAt(word + w, v)));
      }
    }
  }

  const states = vectors.flatMap((v) =>
    four.map((r) => ({ register: local(v, r), offset: (r * VECTORS + v) * 16 })),
  );
  for (const { register, offset } of states) code.push(...get(from), ...load(offset), ...set(register));
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    const word = [step, 5 * step + 1, 3 * step + 5, 7 * step][round]! & 15;
    const rotation = ROTATIONS[round * 4 + (step & 3)]!;
    for (const v of vectors) {
      const [a, b, c, d] = four.map((r) => local(v, (r + 64 - step) & 3)) as [number, number, number, number];
      const mixed = [
        [...get(c), ...get(d), ...get(b), ...select],
        [...get(b), ...get(c), ...get(d), ...select],
        [...get(b), ...get(c), ...xor, ...get(d), ...xor],
        [...get(d), ...not, ...get(b), ...or, ...get(c), ...xor],
      ][round]!;
      code.push(...get(a), ...address(0), ...load(wordAt(word, v)), ...add);
      code.push(...address(0), ...load(CONSTANTS + step * 16), ...add, ...mixed, ...add, ...tee(x));
      code.push(...count(rotation), ...shiftLeft, ...get(x), ...count(32 - rotation), ...shiftRight, ...or);
      code.push(...get(b), ...add, ...set(a));
    }
  }
  for (const { register, offset } of states) {
    code.push(...get(from), ...get(register), ...get(from), ...load(offset), ...add);
    code.push(...store(STATE_BYTES + offset));
  }
  return [...code, 0x0b];
}

/** `toHex()`: the digits of the high and the low half of each byte, looked up and interleaved. */
function toHexBody(): number[] {
  const [low, high] = [0, 1] as const;
  const digits = bytes([...'0123456789abcdef'].map((digit) => digit.charCodeAt(0)));
  const code: number[] = [1, 2, V128];
  for (let i = 0; i < LANES; i++) {
    code.push(...digits, ...address(0), ...load(DIGESTS + i * 16), ...bytes(Array(16).fill(15)), ...and);
    code.push(...swizzle, ...set(low));
    code.push(...digits, ...address(0), ...load(DIGESTS + i * 16), ...count(4), ...shiftBytesRight);
    code.push(...swizzle, ...set(high));
    for (const half of [0, 1]) {
      const interleaved = Array.from({ length: 16 }, (_, b) => 8 * half + (b >> 1) + 16 * (b & 1));
      code.push(...address(0), ...get(high), ...get(low), ...shuffleBytes(interleaved));
      code.push(...store(HEX + i * 32 + half * 16));
    }
  }
  return [...code, 0x0b];
}

/** The WebAssembly module: imports `js.memory`, exports `compress` and `toHex`. */
function assemble(messageBytes: number): Uint8Array<ArrayBuffer> {
  const name = (text: string) => [text.length, ...Array.from(text, (character) => character.charCodeAt(0))];
  const sized = (content: number[]) => [...leb(content.length), ...content];
  const section = (id: number, content: number[]) => [id, ...sized(content)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, ...[0x60, 2, I32, I32, 0], ...[0x60, 0, 0]]),
    ...section(2, [1, ...name('js'), ...name('memory'), 2, 0, 1]),
    ...section(3, [2, 0, 1]),
    ...section(7, [2, ...name('compress'), 0, 0, ...name('toHex'), 0, 1]),
    ...section(10, [2, ...sized(compressBody(messageBytes)), ...sized(toHexBody())]),
  ]);
}

/** Unsigned LEB128; of the signed numbers only those in 0..63 are needed, which look the same. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
