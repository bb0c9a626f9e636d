import { lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Benchmark } from '../../src/core/benchmark/benchmark.js';
import type { Controller } from '../../src/core/engine/engine.js';
import { type Identity, Pool } from '../../src/core/search/pool.js';
import { nasbench101 as space } from '../../src/core/space/nasbench101.js';
import { benchmarkLookup } from '../../src/operators/benchmarkLookup.js';
import { naoPropose, type ProposalRow } from '../../src/operators/naoPropose.js';

const evaluation = { validation: [0.9], test: [0.9], parameters: 1, seconds: 1 };
const benchmark: Benchmark = {
  ...{ name: 'synthetic', summary: 'all the same', provenance: 'made in this test' },
  ...{ space, cells: space.size, has: () => true, lookup: async () => evaluation },
};

const padded = (...tokens: number[]) => [...tokens, ...Array(space.sequenceLength - tokens.length).fill(0)];
const cellOf = (tokens: number[]) => space.decode(Int32Array.from(tokens), 0);

const QUERIED = padded(2, 3, 1, 2, 6); // input → conv1x1 → output
const NO_CELL = padded(1, 6);
/** Input → output, with a vertex that is pruned. */
const DANGLING = [padded(1, 3, 2, 1, 6), padded(1, 4, 2, 1, 6)];
/** Two branches, conv1x1 and conv3x3, in both orders. */
const ISOMORPHIC = [padded(2, 3, 2, 1, 4, 1, 2, 2, 6), padded(2, 4, 2, 1, 3, 1, 2, 2, 6)];
const DECODED = [QUERIED, NO_CELL, ...DANGLING, ...ISOMORPHIC];

/** Queries of a round in which a controller decodes those sequences, step after step. */
async function round(identity: Identity, { count = 100, maxStep = 2 } = {}) {
  const pool = new Pool({ benchmark, searcher: 'test', seed: 1, identity });
  pool.add({ cell: cellOf(QUERIED), origin: 'seed', round: 0 }, evaluation);
  let step = 0;
  // One row is asked for at a time; each step decodes the next of the sequences.
  const controller = {
    propose: async () => ({ decoded: Int32Array.from(DECODED[step++ % DECODED.length]!) }),
  } as unknown as Controller;
  const steps: ProposalRow[] = [];
  const rows = await lastValueFrom(
    naoPropose({
      ...{ controller, benchmark, pool, seed: 1, round: 1, count, maxStep },
      onStep: (row) => steps.push(row),
    }).pipe(
      benchmarkLookup({ benchmark, pool, budget: 50 }),
      map(({ cell }) => cell),
      toArray(),
    ),
  );
  return { rows, steps, pool };
}

describe('naoPropose', () => {
  it('by cell: what prunes to one cell, or is isomorphic, is one query', async () => {
    const { rows, steps } = await round('cell', { maxStep: 6 });
    expect(rows).toEqual([cellOf(DANGLING[0]!), cellOf(ISOMORPHIC[0]!)]);
    expect(steps.map(({ valid }) => valid)).toEqual([1, 0, 1, 1, 1, 1]);
    expect(steps.map(({ fresh }) => fresh)).toEqual([0, 0, 1, 0, 1, 0]);
  });

  it('by sequence, as the reference: they are queries of their own, decoded once each', async () => {
    const { rows, pool } = await round('sequence', { maxStep: 12 });
    expect(rows).toEqual([...DANGLING, ...ISOMORPHIC].map(cellOf));
    expect(rows[0]).toBe(rows[1]);
    expect(pool.size).toBe(5);
  });

  it('completes with as many as are wanted', async () => {
    expect((await round('sequence', { count: 3, maxStep: 100 })).rows).toHaveLength(3);
  });

  it('does not propose what an earlier round has queried', async () => {
    const { pool } = await round('sequence', { maxStep: 6 });
    expect(pool.has(cellOf(DANGLING[0]!), 1)).toBe(false);
    expect(pool.has(cellOf(DANGLING[0]!))).toBe(true);
  });
});
