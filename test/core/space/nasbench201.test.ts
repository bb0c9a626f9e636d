import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';
import { sharedData } from '../../support/sharedData.js';

describe('the NAS-Bench-201 space', () => {
  it('has 15,625 architectures, each with its own id and string', () => {
    const cells = nasbench201.cells();
    expect(cells).toHaveLength(15_625);
    expect(nasbench201.countByVertices()).toEqual({ 4: 15_625 });
    expect(new Set([...cells].map(nasbench201.hash)).size).toBe(15_625);
    expect(
      cells.every((cell, id) => nasbench201.idOf(cell) === id && nasbench201.canonical(cell) === cell),
    ).toBe(true);
    expect(nasbench201.idOf(15_625)).toBe(-1);
  });

  it("numbers them as the benchmark does: its first architecture is checked in the authors' own script", () => {
    expect(nasbench201.hash(nasbench201.cells()[0]!)).toBe(
      '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|',
    );
  });

  it('reads what it writes', () => {
    for (const cell of nasbench201.cells().subarray(0, 500)) {
      expect(nasbench201.parse(nasbench201.describe(cell).text)).toBe(cell);
    }
  });

  it.each([
    ['|none~0|+|none~0|none~1|', /not a NAS-Bench-201 architecture/],
    ['|none~0|+|none~0|none~1|+|none~0|none~1|nope~2|', /unknown operation 'nope'/],
    ['|none~0|+|none~0|none~0|+|none~0|none~1|none~2|', /at 'none~0'/],
    ['', /not a NAS-Bench-201 architecture/],
  ])('refuses %s', (text, message) => {
    expect(() => nasbench201.parse(text)).toThrow(message);
  });

  const table = sharedData('nasbench201-cifar10.parquet');
  it.skipIf(!table)("has the table's architectures at the table's indices", async () => {
    const connection = await (await DuckDBInstance.create()).connect();
    const reader = await connection.runAndReadAll(`select "index"::int, arch from '${table}'`);
    const rows = reader.getRowsJS() as [number, string][];
    expect(rows).toHaveLength(15_625);
    expect(rows.filter(([index, arch]) => nasbench201.idOf(nasbench201.parse(arch)) !== index)).toEqual([]);
  });
});
