import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  imageSplits,
  mnistFolder,
  type RawImages,
  readIdx,
  readIdxImages,
  shrink,
} from '../../../../src/core/benchmark/live/images.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

/** Images of 28×28 whose first pixel of the middle 24×24 holds their number. */
function numbered(count: number): RawImages {
  const pixels = new Uint8Array(count * 28 * 28);
  for (let i = 0; i < count; i++) pixels[i * 784 + 2 * 28 + 2] = i;
  return {
    count,
    rows: 28,
    columns: 28,
    pixels,
    labels: Uint8Array.from({ length: count }, (_, i) => i % 4),
  };
}

/** The number that {@link numbered} laid into an image. */
const numberOf = (images: Float32Array, row: number) => Math.round(images[row * 64]! * 9 * 255);

describe('IDX files', () => {
  it('are those of MNIST in the package', () => {
    const test = readIdxImages(mnistFolder(), 't10k');
    expect(test).toMatchObject({ count: 10_000, rows: 28, columns: 28 });
    expect([...test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  });

  it('are refused when missing, foreign or cut, with exit code 3', () => {
    const folder = temporaryFolder();
    const file = join(folder, 'images');
    expect(() => readIdx(file)).toThrow(expect.objectContaining({ exitCode: 3 }));
    for (const bytes of [[], [1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 8, 1, 0, 0, 0, 4, 9, 9]]) {
      writeFileSync(file, Uint8Array.from(bytes));
      expect(() => readIdx(file)).toThrow(expect.objectContaining({ exitCode: 3 }));
    }
    writeFileSync(file, Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 2, 9, 8]));
    expect([...readIdx(file).bytes]).toEqual([9, 8]);
  });
});

describe('splits', () => {
  const sizes = { training: 40, validation: 50, test: 30 };

  it('are balanced, disjoint and decided by the seed', () => {
    const [train, test] = [numbered(200), numbered(60)];
    const splits = imageSplits(train, test, sizes, 1);
    const { training, validation } = splits;
    for (let label = 0; label < 4; label++)
      expect(training.labels.filter((value) => value === label)).toHaveLength(10);
    const used = [training, validation].flatMap(({ images, count }) =>
      Array.from({ length: count }, (_, row) => numberOf(images, row)),
    );
    expect(new Set(used).size).toBe(90);
    expect(training.labels[7]).toBe(numberOf(training.images, 7) % 4);
    expect(splits.test.count).toBe(30);
    expect(imageSplits(train, test, sizes, 1)).toEqual(splits);
    expect(imageSplits(train, test, sizes, 2)).not.toEqual(splits);
  });

  it('refuse more images than there are, with exit code 2', () => {
    expect(() => imageSplits(numbered(80), numbered(60), sizes, 1)).toThrow(
      expect.objectContaining({ exitCode: 2 }),
    );
  });

  it('average the middle 24×24 over 3×3 pixels', () => {
    const raw = numbered(1);
    raw.pixels.fill(0);
    raw.pixels.fill(255, 14 * 28 + 14, 14 * 28 + 17); // the first row of the block (4, 4)
    raw.pixels[0] = 255; // outside the middle
    const { images } = shrink(raw, [0]);
    expect(images[4 * 8 + 4]).toBeCloseTo(1 / 3, 6);
    expect(images.reduce((a, b) => a + b)).toBeCloseTo(1 / 3, 6);
  });
});
