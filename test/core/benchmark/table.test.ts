import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { openBenchmark, TableBenchmark } from '../../../src/core/benchmark/index.js';
import { writeMeasuredTable } from '../../../src/core/benchmark/live/measuredTable.js';
import { cellOf, nasbench101, verticesOf } from '../../../src/core/space/nasbench101.js';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';
import { sharedData } from '../../support/sharedData.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const data = (message: RegExp) =>
  expect.objectContaining({ exitCode: 3, message: expect.stringMatching(message) });

/** The 91 cells of at most 4 vertices with two repeats; validation falls with the place, test is 0.1 better. */
const cells = [...nasbench101.cells().slice(0, 91)];
const training = (cell: number, repeat: number) => {
  const validation = 0.8 - cells.indexOf(cell) / 1000 - repeat / 100;
  return { cell, repeat, validation, test: validation + 0.1, parameters: 1000 + cell, seconds: repeat + 1 };
};

async function smallTable(): Promise<string> {
  const path = join(temporaryFolder(), 'small.parquet');
  await writeMeasuredTable(path, cells, (cell) => [training(cell, 0), training(cell, 1)]);
  return path;
}

describe('a measured table', () => {
  it('gives back what was measured, also for isomorphic cells', async () => {
    const benchmark = await openBenchmark(`mnist-cells5:${await smallTable()}`);
    expect(benchmark).toMatchObject({ name: 'mnist-cells5', cells: 91 });
    expect([...benchmark.list!()]).toEqual(cells);
    expect(benchmark.data).toEqual({ 'small.parquet': expect.stringMatching(/^[0-9a-f]{64}$/) });
    for (const cell of [cells[0]!, cells[42]!, cells[90]!]) {
      const [a, b] = [training(cell, 0), training(cell, 1)];
      expect(await benchmark.lookup(cell)).toEqual({
        validation: [a.validation, b.validation],
        test: [a.test, b.test],
        parameters: a.parameters,
        seconds: 1.5,
      });
    }
    // input → 1 → output, input → 2 → output: the vertices may change places
    const [cell, mirror] = [cellOf(4, 0b110_01_1, '02'), cellOf(4, 0b110_01_1, '20')];
    expect(mirror).not.toBe(cell);
    expect(await benchmark.lookup(mirror)).toEqual(await benchmark.lookup(cell));
  });

  it('ranks by mean test accuracy', async () => {
    const benchmark = await openBenchmark(`mnist-cells5:${await smallTable()}`);
    expect(benchmark.bestTest).toBeCloseTo(0.895, 12);
    expect(benchmark.rank!(0.895 + 1e-9)).toBe(1);
    expect(benchmark.rank!(0.895 - 0.0105)).toBe(12);
    expect(benchmark.rank!(0)).toBe(92);
  });

  it('does not know other cells: exit code 3', async () => {
    const benchmark = await openBenchmark(`mnist-cells5:${await smallTable()}`);
    const other = nasbench101.cells().find((cell) => verticesOf(cell) === 6)!;
    expect(benchmark.has(other)).toBe(false);
    await expect(benchmark.lookup(other)).rejects.toEqual(data(/does not have the cell/));
  });

  it('that is missing, empty, cut, damaged or foreign is refused with exit code 3', async () => {
    const path = await smallTable();
    const bytes = readFileSync(path);
    const open = () => openBenchmark(`mnist-cells5:${path}`);
    const withBytes = (changed: Uint8Array) => {
      writeFileSync(path, changed);
      return open();
    };
    await expect(openBenchmark(`mnist-cells5:${path}x`)).rejects.toEqual(data(/there is no file/));
    await expect(withBytes(new Uint8Array())).rejects.toEqual(data(/is empty/));
    await expect(withBytes(Buffer.from('module_hash,test\n'))).rejects.toEqual(data(/is no Parquet file/));
    for (const length of [bytes.length - 1, bytes.length >> 1, 5])
      await expect(withBytes(bytes.subarray(0, length))).rejects.toEqual(data(/is cut/));
    const flipped = Buffer.from(bytes);
    const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
    flipped.fill(0xff, footer, footer + 40);
    await expect(withBytes(flipped)).rejects.toEqual(data(/damaged/));

    const write = (columns: Parameters<typeof parquetWriteBuffer>[0]['columnData']) =>
      withBytes(new Uint8Array(parquetWriteBuffer({ columnData: columns })));
    await expect(write([{ name: 'a', data: [1, 2] }])).rejects.toEqual(data(/has no column 'num_vertices'/));
    await expect(write([{ name: 'a', data: [], type: 'INT32' }])).rejects.toEqual(data(/has no rows/));
  });

  it('is refused where its values make no sense', () => {
    const description = {
      name: 't',
      summary: '',
      provenance: '',
      space: nasbench101,
      path: 'T',
      sha256: '',
      canonical: false,
    };
    const column = (...values: number[]) => Float64Array.from(values);
    const table = (codes: number[], test: number[]) =>
      new TableBenchmark(description, {
        cells: Uint32Array.from(codes),
        validation: [column(...test)],
        test: [column(...test)],
        parameters: column(...codes),
        seconds: [column(...codes)],
      });
    const [a, b, c] = cells as [number, number, number];
    expect(table([a, b, c], [0.1, Number.NaN, 0.3]).bestTest).toBe(0.3);
    expect(() => table([a, b], [93, 94])).toThrow(data(/not fractions/));
    expect(() => table([a, b], [Number.NaN, Number.NaN])).toThrow(data(/not fractions/));
    expect(() => table([a, b, a], [0.1, 0.2, 0.3])).toThrow(data(/row 2 repeats a cell/));
    expect(() => table([a, 0xffff_ffff], [0.1, 0.2])).toThrow(data(/row 1 is no cell/));
  });
});

describe('opening by name', () => {
  it('suggests what was meant, and asks for the file: exit code 2', async () => {
    const usage = (text: RegExp) =>
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(text) });
    await expect(openBenchmark('mnist-cell5')).rejects.toEqual(usage(/mnist-cell5/));
    await expect(openBenchmark('nasbench101')).rejects.toEqual(usage(/needs its table/));
  });

  const table101 = sharedData('nasbench101.parquet');
  it.skipIf(!table101)('opens all of NAS-Bench-101', async () => {
    const benchmark = await openBenchmark(`nasbench101:${table101}`);
    expect(benchmark.cells).toBe(423_624);
    expect(benchmark.bestTest).toBeCloseTo(0.943176, 6);
    expect(benchmark.rank!(benchmark.bestTest!)).toBe(1);
    expect(benchmark.rank!(0.9424)).toBe(2);
    expect(benchmark.rank!(0.9423)).toBe(3);
    expect(benchmark.provenance).toMatch(/simulated/);
    const sorted = (cells: Uint32Array) => Buffer.from(cells.slice().sort().buffer);
    expect(sorted(benchmark.list!()).equals(sorted(nasbench101.cells()))).toBe(true);
    const found = await benchmark.lookup(cellOf(7, 1205349, '02001'));
    expect(found).toMatchObject({ parameters: 8_555_530, test: [expect.closeTo(0.9206063, 6)] });
  });

  const table201 = sharedData('nasbench201-cifar10.parquet');
  it.skipIf(!table201)('opens all of NAS-Bench-201', async () => {
    const benchmark = await openBenchmark(`nasbench201:${table201}`);
    expect(benchmark).toMatchObject({ cells: 15_625, space: nasbench201 });
    expect(benchmark.bestTest).toBeCloseTo(0.9437, 4);
  });
});
