import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import { nasbench101 } from '../../../src/core/space/nasbench101.js';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';
import { networkxDistances } from './networkxDistances.js';
import { relabel } from './relabel.js';

const cellBelow = (limit: number) => fc.nat(limit - 1).map((id) => nasbench101.cells()[id]!);
/** Up to 5 vertices: 2,532 cells. */
const smallCell = cellBelow(2532);
/** Half of them small, so that some pairs are near each other. */
const anyCell = fc.oneof(smallCell, cellBelow(nasbench101.size));

/** The distance by trying every injection of the smaller cell's vertices. */
function byBruteForce(a: number, b: number): number {
  const [small, large] = [nasbench101.describe(a), nasbench101.describe(b)].sort(
    (p, q) => p.ops.length - q.ops.length,
  );
  const [n, m] = [small!.ops.length, large!.ops.length];
  const edges = (cell: typeof small) => cell!.matrix!.flat().filter(Boolean).length;
  let best = Number.POSITIVE_INFINITY;
  const extend = (image: number[]) => {
    if (image.length < n) {
      for (let w = 0; w < m; w++) if (!image.includes(w)) extend([...image, w]);
      return;
    }
    const relabelings = image.filter((w, v) => small!.ops[v] !== large!.ops[w]).length;
    let common = 0;
    for (let x = 0; x < n; x++)
      for (let y = 0; y < n; y++) common += small!.matrix![x]![y]! & large!.matrix![image[x]!]![image[y]!]!;
    best = Math.min(best, m - n + relabelings + edges(small) + edges(large) - 2 * common);
  };
  extend([]);
  return best;
}

describe('edit distance in nasbench101', () => {
  it.each(networkxDistances)("is networkx's graph_edit_distance: %i, %i", (a, b, distance) => {
    expect(nasbench101.distance(a, b)).toBe(distance);
  });

  it('is the least over all vertex mappings', () => {
    fc.assert(
      fc.property(smallCell, smallCell, (a, b) => {
        expect(nasbench101.distance(a, b)).toBe(byBruteForce(a, b));
      }),
      { numRuns: 60 },
    );
  });

  it('is a metric on isomorphism classes', () => {
    fc.assert(
      fc.property(anyCell, anyCell, smallCell, fc.nat(), (a, b, c, seed) => {
        const d = nasbench101.distance;
        const random = stream(seed, 'relabel');
        const other = relabel(b, (n) => random.int(n));
        expect(d(a, b)).toBe(d(b, a));
        expect(d(a, b)).toBe(d(a, other));
        expect(d(b, other)).toBe(0);
        expect(d(a, b) === 0).toBe(nasbench101.idOf(a) === nasbench101.idOf(b));
        expect(d(a, c)).toBeLessThanOrEqual(d(a, b) + d(b, c));
      }),
      { numRuns: 300 },
    );
  });

  it('stops at the limit', () => {
    fc.assert(
      fc.property(anyCell, anyCell, fc.nat(12), (a, b, limit) => {
        expect(nasbench101.distance(a, b, limit)).toBe(Math.min(nasbench101.distance(a, b), limit + 1));
      }),
      { numRuns: 300 },
    );
  });
});

describe('edit distance in nasbench201', () => {
  it('counts the operations that differ', () => {
    const a = nasbench201.parse('|none~0|+|none~0|none~1|+|none~0|none~1|none~2|');
    const b = nasbench201.parse('|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|');
    expect(nasbench201.distance(a, b)).toBe(2);
    expect(nasbench201.distance(a, b, 1)).toBe(2);
    expect(nasbench201.distance(a, b, 0)).toBe(1);
    expect(nasbench201.distance(a, a)).toBe(0);
  });
});
