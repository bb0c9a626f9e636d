import { describe, expect, it } from 'vitest';
import { fitUmap } from '../../../src/core/projection/umap.js';
import { stream } from '../../../src/core/random/random.js';

/** Three clouds in eight dimensions. */
function clouds(count: number, seed: number) {
  const random = stream(seed, 'clouds');
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const values = Float32Array.from(
    labels.flatMap((label) => {
      return Array.from({ length: 8 }, (_, k) => (k === label ? 4 : 0) + 0.3 * random.normal());
    }),
  );
  return { labels, values };
}

const distance = (points: Float32Array, a: number, b: number) =>
  Math.hypot(points[2 * a]! - points[2 * b]!, points[2 * a + 1]! - points[2 * b + 1]!);

describe('UMAP', () => {
  const { labels, values } = clouds(150, 1);
  const settings = { neighbors: 10, minDist: 0.1 };

  it.each(['euclidean', 'cosine'] as const)(
    'keeps clouds apart (%s), the same way each time',
    async (metric) => {
      const layout = await fitUmap(values, 8, { ...settings, metric }, stream(1, 'umap'));
      const nearest = labels.map((_, row) => {
        const others = labels.map((_, i) => i).filter((i) => i !== row);
        return others.reduce((a, b) =>
          distance(layout.points, row, b) < distance(layout.points, row, a) ? b : a,
        );
      });
      expect(nearest.every((other, row) => labels[other] === labels[row])).toBe(true);
      const again = await fitUmap(values, 8, { ...settings, metric }, stream(1, 'umap'));
      expect(again.points).toEqual(layout.points);
    },
  );

  it('places further points among those of their cloud, and its own points where they are', async () => {
    const layout = await fitUmap(values, 8, { ...settings, metric: 'euclidean' }, stream(2, 'umap'));
    expect(layout.place(values)).toEqual(layout.points);
    const more = clouds(60, 2);
    const placed = layout.place(more.values);
    for (const [row, label] of more.labels.entries()) {
      const near = labels
        .map((_, i) => i)
        .reduce((a, b) => {
          const to = (i: number) =>
            Math.hypot(
              placed[2 * row]! - layout.points[2 * i]!,
              placed[2 * row + 1]! - layout.points[2 * i + 1]!,
            );
          return to(b) < to(a) ? b : a;
        });
      expect(labels[near]).toBe(label);
    }
  });
});
