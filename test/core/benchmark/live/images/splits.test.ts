import { describe, expect, it } from 'vitest';
import type { RawImages } from '../../../../../src/core/benchmark/live/images/raw.js';
import { imageSplits, shrink } from '../../../../../src/core/benchmark/live/images/splits.js';

/** Images of 28×28 whose first pixel of the middle 24×24 holds their number. */
function numbered(count: number): RawImages {
  const pixels = new Uint8Array(count * 28 * 28);
  for (let i = 0; i < count; i++) pixels[i * 784 + 2 * 28 + 2] = i;
  return {
    count,
    rows: 28,
    columns: 28,
    channels: 1,
    pixels,
    labels: Uint8Array.from({ length: count }, (_, i) => i % 4),
  };
}

/** The number that {@link numbered} laid into an image. */
const numberOf = (images: Float32Array, row: number) => Math.round(images[row * 64]! * 9 * 255);

describe('splits', () => {
  const sizes = { training: 40, validation: 50, test: 30, side: 8 };

  it('are balanced, disjoint and decided by the seed', () => {
    const halves = { training: numbered(200), test: numbered(60) };
    const splits = imageSplits(halves, sizes, 1);
    const { training, validation } = splits;
    for (let label = 0; label < 4; label++)
      expect(training.labels.filter((value) => value === label)).toHaveLength(10);
    const used = [training, validation].flatMap(({ images, count }) =>
      Array.from({ length: count }, (_, row) => numberOf(images, row)),
    );
    expect(new Set(used).size).toBe(90);
    expect(training.labels[7]).toBe(numberOf(training.images, 7) % 4);
    expect(splits.test.count).toBe(30);
    expect(imageSplits(halves, sizes, 1)).toEqual(splits);
    expect(imageSplits(halves, sizes, 2)).not.toEqual(splits);
  });

  it('are as even as the number allows, over the labels that occur', () => {
    const training = numbered(200);
    for (let i = 0; i < 200; i++) if (training.labels[i] === 1) training.labels[i] = 6;
    const { labels } = imageSplits({ training, test: numbered(60) }, { ...sizes, training: 42 }, 1).training;
    const counts = [0, 6, 2, 3].map((label) => labels.filter((value) => value === label).length);
    expect(counts.reduce((a, b) => a + b)).toBe(42);
    expect(Math.max(...counts) - Math.min(...counts)).toBe(1);
  });

  it('refuse more images than there are, in all, of a class or of a side, with exit code 2', () => {
    const refused = expect.objectContaining({ exitCode: 2 });
    const training = numbered(200);
    const test = numbered(60);
    const take = (over: Partial<typeof sizes>, halves = { training, test }) =>
      imageSplits(halves, { ...sizes, ...over }, 1);
    expect(() => take({ validation: 161 })).toThrow(refused);
    expect(() => take({ test: 61 })).toThrow(refused);
    expect(() => take({ side: 29 })).toThrow(refused);
    const scarce = {
      ...training,
      labels: training.labels.map((label, i) => (i > 30 && label === 3 ? 2 : label)),
    };
    expect(() => take({}, { training: scarce, test })).toThrow(/class 3 has 3 too few/);
  });

  it('average the middle 24×24 over 3×3 pixels', () => {
    const raw = numbered(1);
    raw.pixels.fill(0);
    raw.pixels.fill(255, 14 * 28 + 14, 14 * 28 + 17); // the first row of the block (4, 4)
    raw.pixels[0] = 255; // outside the middle
    const { images } = shrink(raw, [0], 8);
    expect(images[4 * 8 + 4]).toBeCloseTo(1 / 3, 6);
    expect(images.reduce((a, b) => a + b)).toBeCloseTo(1 / 3, 6);
  });

  it('keep the colours of a pixel apart', () => {
    const pixels = Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) => [255, 51, 0][i % 3]!);
    const raw = { count: 1, rows: 4, columns: 4, channels: 3, pixels, labels: Uint8Array.of(5) };
    const small = shrink(raw, [0], 2);
    expect(small).toMatchObject({ count: 1, side: 2, channels: 3, labels: Uint8Array.of(5) });
    expect([...small.images]).toEqual(
      Array(4)
        .fill([1, Math.fround(0.2), 0])
        .flat(),
    );
  });
});
