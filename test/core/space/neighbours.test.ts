import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import { nasbench101, verticesOf } from '../../../src/core/space/nasbench101.js';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';
import type { Space } from '../../../src/core/space/space.js';

describe.each<[string, Space]>([
  ['nasbench101', nasbench101],
  ['nasbench201', nasbench201],
])('neighbours in %s', (_, space) => {
  const cell = fc.integer({ min: 0, max: space.size - 1 }).map((id) => space.cells()[id]!);

  it('are canonical, each once, without the cell itself', () => {
    fc.assert(
      fc.property(cell, (of) => {
        const near = space.neighbours(of);
        expect(new Set(near).size).toBe(near.length);
        expect(near).not.toContain(of);
        for (const each of near) expect(space.canonical(each)).toBe(each);
      }),
      { numRuns: 50 },
    );
  });

  it('hold every cell of one edit that the mutation of the paper makes', () => {
    fc.assert(
      fc.property(cell, fc.integer(), (of, seed) => {
        const near = new Set(space.neighbours(of));
        const random = stream(seed);
        for (let k = 0; k < 20; k++) {
          const mutant = space.canonical(space.mutate(of, random));
          if (space.distance(of, mutant, 1) === 1) expect(near).toContain(mutant);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('lead from any cell to any other, the smallest included', () => {
    const start = space.cells()[0]!;
    const seen = new Set([start]);
    let edge = [start];
    for (let step = 0; step < 4 && edge.length > 0; step++) {
      edge = edge
        .flatMap((each) => space.neighbours(each))
        .filter((each) => !seen.has(each) && seen.add(each));
      edge = edge.slice(0, 400);
    }
    if (space === nasbench101) expect(Math.max(...Array.from(seen, verticesOf))).toBeGreaterThanOrEqual(6);
    expect(seen.size).toBeGreaterThan(500);
  });

  it('properties are as many for every cell, finite, and those of isomorphic cells are equal', () => {
    const random = stream(1, 'properties');
    const width = space.properties(space.cells()[0]!).length;
    for (let k = 0; k < 300; k++) {
      const mutant = space.mutate(space.sample(random), random);
      const own = space.properties(mutant);
      expect(own).toHaveLength(width);
      expect(own.every(Number.isFinite)).toBe(true);
      expect(own).toEqual(space.properties(space.canonical(mutant)));
    }
  });

  it('sampleGraph gives canonical cells', () => {
    const random = stream(1, 'graphs');
    for (let k = 0; k < 200; k++) {
      const drawn = space.sampleGraph(random);
      expect(space.canonical(drawn)).toBe(drawn);
    }
  });
});

it('a small cell of nasbench101 has larger neighbours', () => {
  const path = nasbench101.cells()[1]!; // three vertices
  expect(verticesOf(path)).toBe(3);
  expect(new Set(nasbench101.neighbours(path).map(verticesOf))).toContain(4);
});
