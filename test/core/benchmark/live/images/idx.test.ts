import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIdx, readIdxFolder } from '../../../../../src/core/benchmark/live/images/idx.js';
import { idx, writeIdxFolder } from '../../../../support/imageFolders.js';
import { temporaryFolder } from '../../../../support/temporaryFolder.js';

const refused = expect.objectContaining({ exitCode: 3 });

describe('an IDX file', () => {
  const arrays = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }).chain((sizes) => {
    const length = sizes.reduce((a, b) => a * b);
    return fc.tuple(fc.constant(sizes), fc.uint8Array({ minLength: length, maxLength: length }));
  });

  it('is read as it was written, packed or not', () => {
    const folder = temporaryFolder();
    fc.assert(
      fc.property(arrays, fc.boolean(), ([sizes, data], packed) => {
        const file = join(folder, packed ? 'file.gz' : 'file');
        writeFileSync(file, packed ? gzipSync(idx(sizes, data)) : idx(sizes, data));
        const found = readIdx(file);
        expect(found.sizes).toEqual(sizes);
        expect(Buffer.compare(found.bytes, data)).toBe(0);
      }),
    );
  });

  it('is refused when it is cut anywhere, longer than it says, or of other sizes, naming the file', () => {
    const folder = temporaryFolder();
    fc.assert(
      fc.property(
        arrays,
        fc.boolean(),
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        ([sizes, data], packed, at, extra) => {
          const file = join(folder, packed ? 'file.gz' : 'file');
          const named = expect.objectContaining({ exitCode: 3, message: expect.stringContaining(file) });
          const whole = idx(sizes, data);
          const bytes = packed ? gzipSync(whole) : whole;
          writeFileSync(file, bytes.subarray(0, at % bytes.length));
          expect(() => readIdx(file)).toThrow(named);
          const longer = Buffer.concat([whole, Buffer.alloc(extra)]);
          writeFileSync(file, packed ? gzipSync(longer) : longer);
          expect(() => readIdx(file)).toThrow(named);
          const lying = Buffer.from(whole);
          const place = 4 + 4 * (at % sizes.length);
          lying.writeUInt32BE(at % 2 ? 0xffff_ffff : lying.readUInt32BE(place) + extra, place);
          writeFileSync(file, packed ? gzipSync(lying) : lying);
          expect(() => readIdx(file)).toThrow(named);
        },
      ),
    );
  });

  it('is refused when it is another kind of file, saying at which offset', () => {
    const file = join(temporaryFolder(), 'file');
    for (const [bytes, says] of [
      [[], /no IDX file/],
      [[1, 2, 3, 4, 5, 6, 7, 8], /no IDX file/],
      [[0, 0, 13, 1, 0, 0, 0, 1, 0], /offset 2: data type 0x0d/],
      [[0, 0, 8, 0], /offset 3: 0 dimensions/],
      [[0, 0, 8, 200, 0, 0, 0, 1, 0], /offset 3: 200 dimensions/],
      [[0, 0, 8, 1, 0, 0, 0, 4, 9, 9], /says 4 = 4 bytes from offset 8 on, there are 2/],
    ] as const) {
      writeFileSync(file, Uint8Array.from(bytes));
      expect(() => readIdx(file)).toThrow(says);
      expect(() => readIdx(file)).toThrow(refused);
    }
  });
});

describe('a folder of IDX files', () => {
  const halves = (folder: string) => readIdxFolder(folder);

  it('is found under the names of MNIST and its relatives, packed or not', () => {
    const folder = writeIdxFolder(temporaryFolder(), { training: 12, test: 8 });
    const plain = halves(folder);
    expect(plain.training).toMatchObject({ count: 12, rows: 8, columns: 8, channels: 1 });
    expect([...plain.test.labels]).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);

    const other = temporaryFolder();
    for (const half of ['train', 't10k'])
      for (const what of ['images-idx3-ubyte', 'labels-idx1-ubyte']) {
        const name = `emnist-letters-${half === 't10k' ? 'test' : half}-${what.replace('-idx', '.idx')}.gz`;
        writeFileSync(join(other, name), gzipSync(readFileSync(join(folder, `${half}-${what}`))));
      }
    const packed = halves(other);
    expect(Buffer.compare(packed.training.pixels, plain.training.pixels)).toBe(0);
    expect(packed.test.labels).toEqual(plain.test.labels);
    // The same file packed beside it is no second one.
    writeFileSync(join(folder, 'train-images-idx3-ubyte.gz'), 'not looked at');
    expect(halves(folder).training.count).toBe(12);
  });

  it('is refused when files are missing, ambiguous or do not belong together', () => {
    expect(() => halves(join(temporaryFolder(), 'nothing'))).toThrow(refused);
    const change = (work: (folder: string) => void, says: RegExp) => {
      const folder = writeIdxFolder(join(temporaryFolder(), 'set'), { training: 12, test: 8 });
      work(folder);
      expect(() => halves(folder)).toThrow(refused);
      expect(() => halves(folder)).toThrow(says);
    };
    const zeros = (...sizes: number[]) => idx(sizes, new Uint8Array(sizes.reduce((a, b) => a * b)));
    change((folder) => rmSync(join(folder, 't10k-labels-idx1-ubyte')), /has no t10k \(or test\)-labels-idx1/);
    change((folder) => writeFileSync(join(folder, 'x-train-labels-idx1-ubyte'), ''), /several files/);
    change(
      (folder) => writeFileSync(join(folder, 'train-labels-idx1-ubyte'), zeros(11)),
      /12 images.* 11 labels/,
    );
    change(
      (folder) => writeFileSync(join(folder, 'train-labels-idx1-ubyte'), zeros(12, 1)),
      /offset 3: it has 2 dim/,
    );
    change(
      (folder) => writeFileSync(join(folder, 'train-images-idx3-ubyte'), zeros(768)),
      /offset 3: it has 1 dim/,
    );
    change((folder) => writeFileSync(join(folder, 'train-images-idx3-ubyte'), zeros(0, 8, 8)), /offset 4/);
    change(
      (folder) => writeFileSync(join(folder, 't10k-images-idx3-ubyte'), zeros(8, 4, 16)),
      /8×8, test images 4×16/,
    );
    change((folder) => {
      rmSync(join(folder, 'train-images-idx3-ubyte'));
      mkdirSync(join(folder, 'train-images-idx3-ubyte'));
    }, /cannot read/);
  });
});
