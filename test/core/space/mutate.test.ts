import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import { isCell, nasbench101 } from '../../../src/core/space/nasbench101.js';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';
import { mutantCell, mutantEdits } from '../../../src/core/space/space.js';

describe.each([nasbench101, nasbench201])('positives of $name', (space) => {
  it('are cells within the distance drawn, the anchor itself only where nothing could be drawn', () => {
    fc.assert(
      fc.property(fc.nat(space.size - 1), fc.nat(), (id, seed) => {
        const anchor = space.cells()[id]!;
        const random = stream(seed, 'positives');
        for (let i = 0; i < 5; i++) {
          const drawn = space.mutateWithEdits(anchor, random);
          const [positive, edits] = [mutantCell(drawn), mutantEdits(drawn)];
          expect(space.idOf(positive)).toBeGreaterThanOrEqual(0);
          expect(edits).toBeLessThanOrEqual(3);
          expect(space.distance(anchor, positive)).toBeLessThanOrEqual(edits);
          if (edits === 0) expect(positive).toBe(anchor);
          else expect(positive).not.toBe(anchor);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('follow from the random stream alone, with or without their edits', () => {
    const [a, b] = [stream(3, 'x'), stream(3, 'x')];
    for (let id = 0; id < space.size; id += 997) {
      const anchor = space.cells()[id]!;
      expect(space.mutate(anchor, a)).toBe(mutantCell(space.mutateWithEdits(anchor, b)));
    }
  });
});

describe('positives', () => {
  it('may be of one vertex less', () => {
    const random = stream(1, 'deletions');
    const anchor = nasbench101.parse('conv3x3 conv1x1 | 01 12 23 03');
    const positives = Array.from({ length: 500 }, () => nasbench101.mutate(anchor, random));
    const deletions = positives.filter((cell) => (cell & 0b111_000) === 0);
    expect(positives.every(isCell)).toBe(true);
    // Deleting either vertex drops two edges of the path and leaves only input→output or nothing: never a cell of three.
    expect(deletions).toEqual([]);
    const wide = nasbench101.parse('conv3x3 conv1x1 | 01 02 13 23');
    const narrower = Array.from({ length: 500 }, () => nasbench101.mutate(wide, random)).filter(
      (cell) => (cell & 0b111_000) === 0,
    );
    expect(new Set(narrower.map((cell) => nasbench101.describe(cell).text))).toEqual(
      new Set(['conv3x3 | 01 12', 'conv1x1 | 01 12']),
    );
  });

  it('of the cell without interior vertices are itself', () => {
    const random = stream(1, 'smallest');
    const anchor = nasbench101.cells()[0]!;
    for (let i = 0; i < 50; i++) expect(nasbench101.mutateWithEdits(anchor, random)).toBe(anchor);
  });

  it('in nasbench201 change one operation, each into each other alike', () => {
    const random = stream(1, 'alike');
    const counts = new Map<number, number>();
    for (let i = 0; i < 24_000; i++) {
      const cell = nasbench201.mutate(1234, random);
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(49.7); // 23 degrees of freedom, 99.9% confidence
  });
});
