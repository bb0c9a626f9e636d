import { compressors } from 'hyparquet-compressors';

/*
 * LZ4's frame format, as Arrow has it: magic, flags, blocks of `uint32 size | data`, a size of 0 at the end; the highest bit of a size
 * marks a block that is not compressed (lz4_Frame_format.md). Checksums are skipped: Arrow writes none.
 */
const MAGIC = 0x184d_2204;
const UNCOMPRESSED = 0x8000_0000;

/** The content of a frame. @throws RangeError where it is cut */
export function lz4Frame(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('no LZ4 frame');
  const flags = bytes[4]!;
  const blockSize = 1 << (8 + 2 * ((bytes[5]! >> 4) & 7));
  const hasBlockChecksum = (flags & 0x10) !== 0;
  if ((flags & 0x20) === 0) throw new RangeError('LZ4 blocks that depend on each other');
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  const blocks: Uint8Array[] = [];
  for (;;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) return Buffer.concat(blocks);
    const length = size & ~UNCOMPRESSED;
    if (at + length > bytes.length) throw new RangeError('an LZ4 block is cut');
    const block = bytes.subarray(at, at + length);
    blocks.push(size >= UNCOMPRESSED ? block : decompressed(block, blockSize));
    at += length + (hasBlockChecksum ? 4 : 0);
  }
}

/** A block holds at most `most` bytes; how many is not written anywhere. */
function decompressed(block: Uint8Array, most: number): Uint8Array {
  return compressors.LZ4_RAW!(block, Math.min(most, sizeOf(block)));
}

/** Bytes that an LZ4 block gives: the sum of its literals and matches. */
function sizeOf(block: Uint8Array): number {
  let size = 0;
  for (let i = 0; i < block.length; ) {
    const token = block[i++]!;
    let literals = token >> 4;
    if (literals === 15)
      for (let byte = 255; byte === 255 && i < block.length; literals += byte) byte = block[i++]!;
    size += literals;
    i += literals + 2;
    if (i > block.length) return size;
    let match = token & 15;
    if (match === 15)
      for (let byte = 255; byte === 255 && i < block.length; match += byte) byte = block[i++]!;
    size += match + 4;
  }
  return size;
}
