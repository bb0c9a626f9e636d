/*
 * LZ4's frame format, as Arrow has it: magic, flags, blocks of `uint32 size | data`, a size of 0 at the end; the highest bit of a size
 * marks a block that is not compressed (lz4_Frame_format.md, lz4_Block_format.md). Checksums are skipped: Arrow writes none.
 */
const MAGIC = 0x184d_2204;
const UNCOMPRESSED = 0x8000_0000;
/** Most bytes of a frame's content. */
const mostBytes = 2 ** 30;

/** The content of a frame. @throws RangeError where it is cut, or refers to what is not there */
export function lz4Frame(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('no LZ4 frame');
  const flags = bytes[4]!;
  const checksum = (flags & 0x10) !== 0 ? 4 : 0;
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  const out = new Output(4 * bytes.length);
  for (;;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) return out.content();
    const end = at + (size & ~UNCOMPRESSED);
    if (end > bytes.length) throw new RangeError('an LZ4 block is cut');
    if (size >= UNCOMPRESSED) out.literals(bytes, at, end);
    else decompress(bytes, at, end, out);
    at = end + checksum;
  }
}

/** Blocks may refer to what blocks before them have written. */
function decompress(bytes: Uint8Array, start: number, end: number, out: Output): void {
  let at = start;
  const length = (short: number) => {
    let sum = short;
    if (short === 15) for (let byte = 255; byte === 255 && at < end; sum += byte) byte = bytes[at++]!;
    return sum;
  };
  while (at < end) {
    const token = bytes[at++]!;
    const literals = length(token >> 4);
    if (literals > end - at) throw new RangeError('an LZ4 block is cut');
    out.literals(bytes, at, at + literals);
    at += literals;
    if (at >= end) return; // the last sequence has no match
    const offset = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    out.match(offset, length(token & 15) + 4);
  }
}

/** Bytes that grow. */
class Output {
  #bytes: Uint8Array;
  #length = 0;

  constructor(expected: number) {
    this.#bytes = new Uint8Array(expected);
  }

  literals(from: Uint8Array, start: number, end: number): void {
    this.#grow(end - start);
    this.#bytes.set(from.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** Bytes that stood `offset` before; they may overlap with what they become. */
  match(offset: number, length: number): void {
    if (offset === 0 || offset > this.#length)
      throw new RangeError('an LZ4 block refers to what is not there');
    this.#grow(length);
    for (const end = this.#length + length; this.#length < end; this.#length++)
      this.#bytes[this.#length] = this.#bytes[this.#length - offset]!;
  }

  content(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    if (needed > mostBytes) throw new RangeError('an LZ4 frame has more than a gigabyte');
    const larger = new Uint8Array(2 * needed);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
