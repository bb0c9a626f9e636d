import { describe, expect, it } from 'vitest';
import { decoding, locality, surrogates } from '../../src/analytics/embeddingQuality.js';
import { stream } from '../../src/core/random/random.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';

/** Cells whose six operations stand one-hot in the embedding: squared distance = 2 · edit distance. */
function oneHot(count: number) {
  const cells = stream(1, 'cells').shuffle(space.cells().slice()).subarray(0, count);
  const known = [...new Set([...space.cells()].flatMap((cell) => space.describe(cell).ops))];
  const width = 6 * known.length;
  const values = new Float32Array(count * width);
  for (const [row, cell] of cells.entries()) {
    for (const [edge, op] of space.describe(cell).ops.entries()) {
      values[row * width + edge * known.length + known.indexOf(op)] = 1;
    }
  }
  return { space, cells, values, width };
}

describe('quality of an embedding', () => {
  const embedded = oneHot(400);

  it('an embedding whose distances are the edit distances is perfectly local', () => {
    const close: [number, number][] = [[0, 1]];
    const found = locality(embedded, { rows: 400, pairs: 2000, close }, stream(1, 'pairs'));
    expect(found.correlation).toBeCloseTo(1, 10);
    for (const { distance, pairs, mean, deviation } of found.byDistance) {
      if (pairs === 0) continue;
      expect(mean).toBeCloseTo(Math.sqrt(2 * distance), 6);
      expect(deviation).toBeLessThan(1e-6);
    }
    expect(found.byDistance.reduce((sum, { pairs }) => sum + pairs, 0)).toBe(2001);
    expect(found.purity).toBeGreaterThan(5 * found.chance);
  });

  it('random embeddings are not', () => {
    const random = stream(2, 'values');
    const noise = { ...embedded, values: embedded.values.map(() => random.normal()) };
    const found = locality(noise, { rows: 400, pairs: 2000, close: [] }, stream(1, 'pairs'));
    expect(Math.abs(found.correlation)).toBeLessThan(0.1);
    expect(Math.abs(found.purity - found.chance)).toBeLessThan(0.05);
  });

  it('an accuracy that is linear in the embedding is learnt from few cells', () => {
    const accuracies = Float64Array.from(
      embedded.cells,
      (_, row) =>
        0.5 +
        0.1 * embedded.values[row * embedded.width]! +
        0.05 * embedded.values[row * embedded.width + 7]!,
    );
    const found = surrogates(embedded, accuracies, stream(1, 'splits'), { sizes: [100, 1000], splits: 3 });
    expect(found.surrogates.map(({ train }) => train)).toEqual([100]);
    expect(found.surrogates[0]!.linear).toBeGreaterThan(0.8); // ties: it takes four values;
    expect(found.roughness).toBeLessThan(0.9);
  });

  it('counts what decoding brings back', () => {
    const cells = embedded.cells.subarray(0, 2);
    const length = space.sequenceLength;
    const tokens = new Int32Array(2 * length);
    for (const [row, cell] of cells.entries()) space.encode(cell, tokens, row * length);
    expect(decoding(space, cells, tokens, tokens)).toEqual({ valid: 1, same: 1, tokens: 1 });
    const swapped = Int32Array.from([...tokens.subarray(length), ...tokens.subarray(0, length)]);
    expect(decoding(space, cells, tokens, swapped)).toMatchObject({ valid: 1, same: 0 });
    expect(decoding(space, cells, tokens, new Int32Array(2 * length))).toMatchObject({ valid: 0, same: 0 });
  });
});
