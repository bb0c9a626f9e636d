import { describe, expect, it } from 'vitest';
import { cellFromMatrix, nasbench101 } from '../../src/core/space/nasbench101.js';
import { NO_CELL } from '../../src/core/space/space.js';
import { goldenFile } from './golden.js';

interface Cell {
  vertices: number;
  matrix: number[][];
  ops: string[];
  padded: number[];
}

interface Candidate {
  kind: string;
  sequence: number[];
  accepted: boolean;
  canonical?: number[];
}

const encode = (cell: number): number[] => {
  const tokens = new Int32Array(nasbench101.sequenceLength);
  nasbench101.encode(cell, tokens, 0);
  return [...tokens];
};

describe('the codec, against the reference', () => {
  const cells: Cell[] = goldenFile('codec.json').cells;

  it.each(cells.map((cell, i) => [i, cell] as const))('cell %i', (_, { matrix, ops, padded }) => {
    const cell = cellFromMatrix(matrix, ops);
    expect(encode(cell)).toEqual(padded);
    const decoded = nasbench101.decode(Int32Array.from(padded), 0);
    expect(nasbench101.describe(decoded)).toMatchObject({ matrix, ops });
  });
});

describe('validity of sequences, against the reference', () => {
  const { pool, candidates }: { pool: number[][]; candidates: Candidate[] } =
    goldenFile('proposal_filter.json');
  const known = new Set(pool.map((sequence) => sequence.join()));

  it.each(candidates.map((candidate, i) => [i, candidate.kind, candidate] as const))(
    'candidate %i: %s',
    (_, __, { sequence, accepted, canonical }) => {
      const cell = nasbench101.decode(Int32Array.from(sequence), 0);
      const tokens = cell === NO_CELL ? undefined : encode(cell);
      // The reference refuses what its pool has already; the pool is not the codec's affair.
      expect(tokens !== undefined && !known.has(tokens.join())).toBe(accepted);
      if (accepted) expect(tokens).toEqual(canonical);
    },
  );
});
