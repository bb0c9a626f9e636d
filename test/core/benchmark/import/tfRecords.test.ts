import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from '../../../../src/core/benchmark/import/crc32c.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';
import { framed, recordsOf, tensorflowFile } from '../../../support/tfRecords.js';

const data = (message: RegExp) =>
  expect.objectContaining({ exitCode: 3, message: expect.stringMatching(message) });

/** RFC 3720's polynomial division, bit by bit. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('CRC-32C', () => {
  it('gives the values of RFC 3720, B.4', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a91_36aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8_ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd_794e);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283);
  });

  it('is that of a division bit by bit, for any part of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (bytes, a, b) => {
        const [start, end] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)];
        expect(crc32c(bytes, start, end)).toBe(bitwise(bytes.subarray(start, end)));
      }),
    );
  });
});

describe('a TFRecord file', () => {
  it('of TensorFlow is read, and written by the tests to the same bytes', async () => {
    const records = await recordsOf(tensorflowFile);
    expect(records).toHaveLength(6 * 4 * 3);
    expect(framed(records).equals(readFileSync(tensorflowFile))).toBe(true);
  });

  it('is read in pieces that end anywhere', async () => {
    const path = join(temporaryFolder(), 'long.tfrecord');
    const records = Array.from({ length: 400 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(100 * i));
    writeFileSync(path, framed(records));
    expect(await recordsOf(path)).toEqual(records);
  });

  it('cut anywhere but between two records is refused, with the record and its offset', async () => {
    const path = join(temporaryFolder(), 'cut.tfrecord');
    const records = ['a', 'bcd', '', 'efghi'];
    const whole = framed(records);
    const starts = records.map((_, i) => framed(records.slice(0, i)).length);
    for (let length = 1; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const record = starts.findLastIndex((start) => start < length);
      if (starts.includes(length)) expect(await recordsOf(path)).toEqual(records.slice(0, record + 1));
      else
        await expect(recordsOf(path)).rejects.toEqual(
          data(new RegExp(`record ${record} at byte ${starts[record]} is cut`)),
        );
    }
  });

  it('with any one bit turned is refused, with the record and its offset', async () => {
    const path = join(temporaryFolder(), 'flipped.tfrecord');
    const records = ['abc', '', 'some more bytes'];
    const whole = framed(records);
    const starts = records.map((_, i) => framed(records.slice(0, i)).length);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(path, flipped);
      const record = starts.findLastIndex((start) => start <= bit >> 3);
      await expect(recordsOf(path)).rejects.toEqual(
        data(new RegExp(`record ${record} at byte ${starts[record]} is damaged|no TFRecord file`)),
      );
    }
  });

  it('whose lengths lie, with checksums that fit, is refused without memory for them', async () => {
    const path = join(temporaryFolder(), 'lies.tfrecord');
    for (const length of [2n ** 63n, 2n ** 32n, 65_537n]) {
      const head = Buffer.alloc(12);
      head.writeBigUInt64LE(length);
      head.writeUInt32LE(maskedCrc32c(head, 0, 8), 8);
      writeFileSync(path, Buffer.concat([framed(['first']), head]));
      await expect(recordsOf(path)).rejects.toEqual(data(/record 1 at byte 21 is said to have [\d,]+ bytes/));
    }
  });
});
