import { describe, expect, it } from 'vitest';
import { cellFromMatrix, nasbench101, OPERATIONS } from '../../src/core/space/nasbench101.js';
import { goldenFile } from './golden.js';

interface Labelled {
  matrix: number[][];
  labeling: number[];
  hash: string;
}

interface Pruned {
  matrix: number[][];
  ops: string[];
  in_space: boolean;
  pruned_matrix: number[][] | null;
  pruned_ops: string[] | null;
  hash: string | null;
}

const golden: { cells: (Labelled & { isomorphic: Labelled[] })[]; prune: Pruned[]; canonical_ops: string[] } =
  goldenFile('hash.json');

const cellOfLabels = ({ matrix, labeling }: Labelled) =>
  cellFromMatrix(
    matrix,
    labeling.map((label) => (label === -1 ? 'input' : label === -2 ? 'output' : OPERATIONS[label]!)),
  );

describe('the module hash, against nasbench', () => {
  it('labels operations in its order', () => {
    expect(OPERATIONS).toEqual(golden.canonical_ops);
  });

  it.each(golden.cells.map((cell, i) => [i, cell] as const))(
    'cell %i and its isomorphic copies',
    (_, labelled) => {
      const cell = cellOfLabels(labelled);
      expect(nasbench101.hash(cell)).toBe(labelled.hash);
      expect(nasbench101.hash(nasbench101.canonical(cell))).toBe(labelled.hash);
      for (const copy of labelled.isomorphic) {
        const isomorphic = cellOfLabels(copy);
        expect(nasbench101.hash(isomorphic)).toBe(copy.hash);
        expect(nasbench101.canonical(isomorphic)).toBe(nasbench101.canonical(cell));
      }
    },
  );
});

describe('pruning, against nasbench', () => {
  it.each(golden.prune.map((graph, i) => [i, graph] as const))('graph %i', (_, graph) => {
    if (!graph.in_space) {
      expect(() => cellFromMatrix(graph.matrix, graph.ops)).toThrow(/no cell of NAS-Bench-101/);
      return;
    }
    const described = nasbench101.describe(cellFromMatrix(graph.matrix, graph.ops));
    expect(described).toMatchObject({ matrix: graph.pruned_matrix, ops: graph.pruned_ops, hash: graph.hash });
  });
});
