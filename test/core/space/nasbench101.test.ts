import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stream } from '../../../src/core/random/random.js';
import {
  cellOf,
  edgeBitsOf,
  interiorOps,
  isCell,
  nasbench101,
  verticesOf,
} from '../../../src/core/space/nasbench101.js';
import { NO_CELL } from '../../../src/core/space/space.js';
import { sharedData } from '../../support/sharedData.js';
import { relabel } from './relabel.js';

const anyCell = fc.nat(nasbench101.size - 1).map((id) => nasbench101.cells()[id]!);
const relabeled = fc
  .tuple(anyCell, fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })))
  .map(([cell, draws]) => ({ cell, other: relabel(cell, (n) => Math.floor(draws.next().value! * n)) }));

describe('the NAS-Bench-101 space', () => {
  it('has 423,624 cells, by vertices as published', () => {
    expect(nasbench101.cells()).toHaveLength(423_624);
    expect(nasbench101.size).toBe(423_624);
    expect(nasbench101.countByVertices()).toEqual({ 2: 1, 3: 6, 4: 84, 5: 2441, 6: 62_010, 7: 359_082 });
  });

  it('lists valid, canonical, different cells, and finds each at its place', () => {
    const cells = nasbench101.cells();
    let wrong = 0;
    for (let id = 0; id < cells.length; id++) {
      const cell = cells[id]!;
      if (!isCell(cell) || nasbench101.idOf(cell) !== id || nasbench101.canonical(cell) !== cell) wrong++;
    }
    expect(wrong).toBe(0);
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('orders cells by vertices, edges, operations', () => {
    const cells = nasbench101.cells();
    const key = (cell: number) => verticesOf(cell) * 2 ** 29 + edgeBitsOf(cell) * 2 ** 8 + (cell >>> 21);
    expect(cells.every((cell, id) => id === 0 || key(cells[id - 1]!) < key(cell))).toBe(true);
  });

  it('gives isomorphic cells one id, canonical code and hash', () => {
    fc.assert(
      fc.property(relabeled, ({ cell, other }) => {
        expect(nasbench101.canonical(other)).toBe(cell);
        expect(nasbench101.idOf(other)).toBe(nasbench101.idOf(cell));
        expect(nasbench101.hash(other)).toBe(nasbench101.hash(cell));
      }),
      { numRuns: 500 },
    );
  });

  it('has the smallest code of its class as canonical form', () => {
    fc.assert(
      fc.property(relabeled, ({ cell, other }) => {
        expect(other >= cell || edgeBitsOf(other) > edgeBitsOf(cell)).toBe(true);
      }),
    );
  });

  it('knows what is no cell', () => {
    const dangling = 0b100_01; // 0→1, 1→3 but nothing into 2
    for (const no of [0, NO_CELL, dangling, 3 << 21, nasbench101.cells()[0]! | (1 << 21)]) {
      expect(isCell(no)).toBe(false);
      expect(nasbench101.idOf(no)).toBe(-1);
      expect(nasbench101.canonical(no)).toBe(NO_CELL);
    }
  });

  it('draws all cells alike', () => {
    const random = stream(1, 'sample');
    const draws = 40_000;
    const bins = Array<number>(20).fill(0);
    for (let i = 0; i < draws; i++) {
      bins[Math.floor((nasbench101.idOf(nasbench101.sample(random)) / nasbench101.size) * bins.length)]!++;
    }
    const expected = draws / bins.length;
    const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(43.8); // 19 degrees of freedom, 99.9% confidence
  });

  const table = sharedData('nasbench101.parquet');
  it.skipIf(!table)("has the cells of the benchmark's table under the table's module hashes", async () => {
    const connection = await (await DuckDBInstance.create()).connect();
    const all = await connection.runAndReadAll(`select count(distinct module_hash)::int from '${table}'`);
    expect(all.getRowsJS()).toEqual([[nasbench101.size]]);
    // A sixteenth of the rows, to be quick.
    const reader = await connection.runAndReadAll(
      `select module_hash, num_vertices::int, edge_bits::int, interior_ops::varchar from '${table}' where module_hash < '1'`,
    );
    const rows = reader.getRowsJS() as [string, number, number, string][];
    expect(rows.length).toBeGreaterThan(26_000);
    const ids = new Set<number>();
    let wrong = 0;
    for (const [hash, vertices, edgeBits, ops] of rows) {
      const cell = cellOf(vertices, edgeBits, ops);
      ids.add(nasbench101.idOf(cell));
      if (interiorOps(cell) !== ops || nasbench101.hash(cell) !== hash) wrong++;
    }
    expect(wrong).toBe(0);
    expect(ids.has(-1)).toBe(false);
    expect(ids.size).toBe(rows.length);
  });
});
