import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Classes,
  distances,
  EmbeddingBatch,
  embeddingGradient,
  openDistance,
} from '../../../src/core/distances/index.js';
import { stream } from '../../../src/core/random/random.js';

const random = stream(2, 'distances');
const normals = (length: number) => Float64Array.from({ length }, () => random.normal());

describe('Classes', () => {
  it('numbers the positive pairs in lexicographic order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 30 }), (labels) => {
        const classes = new Classes(labels);
        const pairs: [number, number][] = [];
        let candidates = 0;
        labels.forEach((label, a) => {
          labels.forEach((other, p) => {
            if (p !== a && other === label) {
              pairs.push([a, p]);
              candidates += labels.filter((x) => x !== label).length;
            }
          });
        });
        expect(classes.pairs).toBe(pairs.length);
        expect(classes.candidates).toBe(candidates);
        pairs.forEach(([a, p], k) => {
          expect(classes.pairOf(a, p)).toBe(k);
          expect(classes.positive[k]).toBe(p);
        });
        expect(Array.from(classes.classOf, (c) => classes.label[c])).toEqual(labels);
        expect(Array.from(classes.label)).toEqual([...new Set(labels)].sort((x, y) => x - y));
      }),
    );
  });
});

describe('EmbeddingBatch', () => {
  it('normalises, and takes float32 as it is', () => {
    const values = new Float32Array([3, 4, 0, 0, -1e-3, 0]);
    const batch = new EmbeddingBatch().load(values, new Int32Array([1, 2, 3]));
    expect(Array.from(batch.unit.subarray(0, 6))).toEqual([0.6, 0.8, 0, 0, -1, 0]);
    expect(batch.norm[0]).toBe(5);
    expect(batch.finite).toBe(true);
  });

  it('is fit for the next batch, larger or smaller', () => {
    const batch = new EmbeddingBatch();
    for (const rows of [5, 40, 3, 0, 17]) {
      const values = normals(rows * 6);
      const labels = Int32Array.from({ length: rows }, (_, i) => i % 3);
      const fresh = new EmbeddingBatch().load(values, labels);
      batch.load(values, labels);
      expect(batch.gram().slice(0, rows * rows)).toEqual(fresh.gram().slice(0, rows * rows));
      expect(batch.classes.pairs).toBe(fresh.classes.pairs);
    }
  });

  it('refuses lengths that do not fit', () => {
    expect(() => new EmbeddingBatch().load(new Float32Array(7), new Int32Array(2))).toThrow(RangeError);
  });
});

describe.each(distances)('$name', ({ name }) => {
  const distance = openDistance(name);
  const plain = (x: ArrayLike<number>, y: ArrayLike<number>) => {
    let dot = 0;
    let square = 0;
    let shifted = 0;
    for (let d = 0; d < x.length; d++) {
      dot += x[d]! * y[d]!;
      square += (x[d]! - y[d]!) ** 2;
      shifted += (x[d]! - y[d]! + 1e-6) ** 2;
    }
    return {
      Cosine: dot,
      Euclidean: Math.sqrt(square),
      SquaredEuclidean: square,
      Pairwise: Math.sqrt(shifted),
    }[name]!;
  };

  it.each([
    [1, 3],
    [2, 1],
    [7, 5],
    [12, 16],
    [33, 4],
  ])('of all pairs of %i rows of size %i', (n, dim) => {
    const values = normals(n * dim);
    // Two rows that are equal, two that nearly are.
    if (n > 5) values.copyWithin(dim, 0, dim);
    if (n > 5) for (let d = 0; d < dim; d++) values[3 * dim + d] = values[2 * dim + d]! * (1 + 1e-7 * d);
    const batch = new EmbeddingBatch().load(values, new Int32Array(n));
    const matrix = distance.matrix(batch);
    const row = (i: number) => batch.unit.subarray(i * dim, (i + 1) * dim);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const expected = plain(row(i), row(j));
        expect(Math.abs(matrix[i * n + j]! - expected)).toBeLessThanOrEqual(
          1e-10 * Math.abs(expected) + 1e-15,
        );
        expect(matrix[i * n + j]!).toBeLessThanOrEqual(distance.range[1] + 1e-5);
      }
    }
    if (n > 5 && name.endsWith('Euclidean')) expect(matrix[1]).toBe(0);
  });

  it('has the gradient of its value', () => {
    for (const [n, dim] of [
      [1, 2],
      [3, 3],
      [6, 5],
      [9, 4],
    ] as const) {
      const values = normals(n * dim);
      const labels = Int32Array.from({ length: n }, (_, i) => i % 3);
      const weights = normals(n * n);
      const scales = { positive: 0.7, negative: -1.3 };
      const value = (moved: Float64Array) => {
        const matrix = distance.matrix(new EmbeddingBatch().load(moved, labels));
        let total = 0;
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            if (i === j) continue;
            const scale = labels[i] === labels[j] ? scales.positive : scales.negative;
            total += scale * weights[i * n + j]! * matrix[i * n + j]!;
          }
        }
        return total;
      };
      const batch = new EmbeddingBatch().load(values, labels);
      const coefficients = batch.scratch(distance).matrix('coefficients', n, n);
      coefficients.set(weights);
      for (let a = 0; a < n; a++) distance.weigh(batch, coefficients, a);
      const gradient = new Float64Array(n * dim);
      embeddingGradient(batch, distance, coefficients, scales, gradient);
      for (let i = 0; i < n * dim; i++) {
        const moved = (by: number) => {
          const copy = values.slice();
          copy[i]! += by;
          return value(copy);
        };
        expect(gradient[i]).toBeCloseTo((moved(1e-6) - moved(-1e-6)) / 2e-6, 6);
      }
    }
  });
});

it('says what is wrong with a name', () => {
  expect(() => openDistance('Euclidian')).toThrow(/unknown distance 'Euclidian'/);
});
