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

// Memory, in bytes.
const STATE = 0;
const INITIAL_STATE = STATE + LANES * 16;
const CONSTANTS = INITIAL_STATE + LANES * 16;
const DIGESTS = CONSTANTS + 64 * 16;
const HEX = DIGESTS + LANES * 16;
const BLOCKS = HEX + LANES * 32;
const BLOCK_BYTES = LANES * 64;

/** Words are little-endian 32-bit integers, as everywhere in MD5. */
export interface Md5 {
  /** Message words: word w (0..15) of a lane's block k at `(k * 16 + w) * LANES + lane`. */
  readonly words: Int32Array;
  /** Take block `k` of every lane into its state; block 0 starts from MD5's initial state. */
  compress(k: number): void;
  /** The states: word r (0..3) of a lane at `r * LANES + lane`. */
  readonly state: Int32Array;
  /** Finished digests, put here by the caller: word r of digest i < 8 at `i * 4 + r`. */
  readonly digests: Int32Array;
  /** Write the hexadecimal digits of all {@link digests} into {@link hex}. */
  toHex(): void;
  /** The 32 characters of digest i as eight words from `i * 8`. */
  readonly hex: Int32Array;
}

/** @param blocks how many blocks of 64 bytes the longest message has, padding included */
export function createMd5(blocks: number): Md5 {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((BLOCKS + blocks * BLOCK_BYTES) / 65536) });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble()), { js: { memory } });
  const compress = exports.compress as (state: number, block: number) => void;
  const initial = new Int32Array(memory.buffer, INITIAL_STATE, 4 * LANES);
  for (let r = 0; r < 4; r++) initial.fill(INITIAL[r]!, r * LANES, (r + 1) * LANES);
  const constants = new Int32Array(memory.buffer, CONSTANTS, 64 * 4);
  for (let i = 0; i < 64; i++)
    constants.fill(Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32), i * 4, i * 4 + 4);
  return {
    words: new Int32Array(memory.buffer, BLOCKS, blocks * 16 * LANES),
    compress: (k) => compress(k === 0 ? INITIAL_STATE : STATE, BLOCKS + k * BLOCK_BYTES),
    state: new Int32Array(memory.buffer, STATE, 4 * LANES),
    digests: new Int32Array(memory.buffer, DIGESTS, 4 * LANES),
    toHex: exports.toHex as () => void,
    hex: new Int32Array(memory.buffer, HEX, 8 * LANES),
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
const shuffle = (lanes: readonly number[]) => [...simd(0x0d), ...lanes];
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

/** `compress(state to start from, block)`: RFC 1321's 64 steps, for each vector of lanes. */
function compressBody(): number[] {
  const [from, block, x] = [0, 1, 2];
  const local = (vector: number, register: number) => 3 + vector * 4 + register;
  const vectors = Array.from({ length: VECTORS }, (_, v) => v);
  const registers = [0, 1, 2, 3];
  const states = vectors.flatMap((v) =>
    registers.map((r) => ({ register: local(v, r), offset: (r * VECTORS + v) * 16 })),
  );

  const code: number[] = [1, ...leb(VECTORS * 4 + 1), V128];
  for (const { register, offset } of states) code.push(...get(from!), ...load(offset), ...set(register));
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    const word = [step, 5 * step + 1, 3 * step + 5, 7 * step][round]! & 15;
    const rotation = ROTATIONS[round * 4 + (step & 3)]!;
    for (const v of vectors) {
      const [a, b, c, d] = registers.map((r) => local(v, (r + 64 - step) & 3)) as [
        number,
        number,
        number,
        number,
      ];
      const mixed = [
        [...get(c), ...get(d), ...get(b), ...select],
        [...get(b), ...get(c), ...get(d), ...select],
        [...get(b), ...get(c), ...xor, ...get(d), ...xor],
        [...get(d), ...not, ...get(b), ...or, ...get(c), ...xor],
      ][round]!;
      code.push(...get(a), ...get(block!), ...load((word * VECTORS + v) * 16), ...add);
      code.push(...address(0), ...load(CONSTANTS + step * 16), ...add, ...mixed, ...add, ...tee(x!));
      code.push(...count(rotation), ...shiftLeft, ...get(x!), ...count(32 - rotation), ...shiftRight, ...or);
      code.push(...get(b), ...add, ...set(a));
    }
  }
  for (const { register, offset } of states) {
    code.push(
      ...address(STATE),
      ...get(register),
      ...get(from!),
      ...load(offset),
      ...add,
      ...store(STATE + offset),
    );
  }
  return [...code, 0x0b];
}

/** `toHex()`: the digits of the high and the low half of each byte, looked up and interleaved. */
function toHexBody(): number[] {
  const [low, high] = [0, 1];
  const digits = bytes([...'0123456789abcdef'].map((digit) => digit.charCodeAt(0)));
  const code: number[] = [1, 2, V128];
  for (let i = 0; i < LANES; i++) {
    code.push(...digits, ...address(0), ...load(DIGESTS + i * 16), ...bytes(Array(16).fill(15)), ...and);
    code.push(...swizzle, ...set(low!));
    code.push(...digits, ...address(0), ...load(DIGESTS + i * 16), ...count(4), ...shiftBytesRight);
    code.push(...swizzle, ...set(high!));
    for (const half of [0, 1]) {
      const interleaved = Array.from({ length: 16 }, (_, b) => 8 * half + (b >> 1) + 16 * (b & 1));
      code.push(...address(0), ...get(high!), ...get(low!), ...shuffle(interleaved));
      code.push(...store(HEX + i * 32 + half * 16));
    }
  }
  return [...code, 0x0b];
}

/** The WebAssembly module: imports `js.memory`, exports `compress` and `toHex`. */
function assemble(): Uint8Array<ArrayBuffer> {
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const sized = (content: number[]) => [...leb(content.length), ...content];
  const section = (id: number, content: number[]) => [id, ...sized(content)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [2, ...[0x60, 2, I32, I32, 0], ...[0x60, 0, 0]]),
    ...section(2, [1, ...name('js'), ...name('memory'), 2, 0, 1]),
    ...section(3, [2, 0, 1]),
    ...section(7, [2, ...name('compress'), 0, 0, ...name('toHex'), 0, 1]),
    ...section(10, [2, ...sized(compressBody()), ...sized(toHexBody())]),
  ]);
}

/** Unsigned LEB128; of the signed numbers only those in 0..63 are needed, which look the same. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
