import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CompactTable,
  openCompactTable,
  writeCompactTable,
} from '../../../src/core/benchmark/compactTable.js';
import { columnName, type FigureColumn } from '../../../src/core/benchmark/figures.js';
import { openBenchmark } from '../../../src/core/benchmark/index.js';
import { stream } from '../../../src/core/random/random.js';
import { nasbench201 } from '../../../src/core/space/nasbench201.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const data = (message: RegExp) =>
  expect.objectContaining({ exitCode: 3, message: expect.stringMatching(message) });

const figure = (quantity: FigureColumn['quantity'], repeat: number, values: Float64Array): FigureColumn => ({
  ...{ dataset: 'cifar10', epochs: 200, point: 'end', quantity, repeat },
  values,
});

const fractions = (rows: number) =>
  fc.array(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(Number.NaN)), {
    minLength: rows,
    maxLength: rows,
  });

const table = (rows: number, validation: number[], test: number[]): CompactTable => ({
  name: 'tiny',
  summary: 'a few cells',
  provenance: 'made up',
  space: nasbench201,
  cells: nasbench201.cells().slice(0, rows),
  parameters: Float32Array.from({ length: rows }, (_, row) => row),
  figures: [
    figure('validation', 1, Float64Array.from(validation)),
    figure('test', 1, Float64Array.from(test)),
  ],
});

async function written(content = table(3, [0.1, 0.2, 0.3], [0.4, Number.NaN, 0.6])) {
  const path = join(temporaryFolder(), 'tiny.arrow');
  await writeCompactTable(path, content);
  return path;
}

describe('a compact table', () => {
  it('gives every value back to the bit, to rxnas and to Arrow', async () => {
    const path = join(temporaryFolder(), 'tiny.arrow');
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }).chain((rows) => fc.tuple(fractions(rows), fractions(rows))),
        async ([validation, test]) => {
          test[0] = 0.5; // a table without any test accuracy is none
          const content = table(test.length, validation, test);
          await writeCompactTable(path, content);
          const benchmark = openCompactTable(path);
          expect([...benchmark.list()]).toEqual([...content.cells]);
          const arrow = tableFromIPC(readFileSync(path));
          for (const column of content.figures)
            expect([...arrow.getChild(columnName(column))!]).toEqual([...column.values]);
          for (const [row, cell] of content.cells.entries())
            expect(benchmark.lookupSync(cell)).toEqual({
              validation: [validation[row]],
              test: [test[row]],
              parameters: row,
              seconds: Number.NaN,
            });
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is the same file for the same content, with its SHA-256 for manifests', async () => {
    const [a, b] = [await written(), await written()];
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    const { data: files } = await openBenchmark(a);
    expect(files).toEqual({ 'tiny.arrow': expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(readdirSync(join(a, '..'))).toEqual(['tiny.arrow']);
  });

  it('cut anywhere is refused', async () => {
    const path = await written();
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      expect(() => openCompactTable(path), `cut at ${length}`).toThrow(
        data(/is cut|is empty|no table of rxnas|damaged/),
      );
    }
  });

  it('with a byte changed anywhere is refused or gives the same figures', async () => {
    const path = await written();
    const whole = readFileSync(path);
    const figures = () => {
      const benchmark = openCompactTable(path);
      const { name, summary, provenance, space, cells } = benchmark;
      return JSON.stringify([
        ...[name, summary, provenance, space.name, cells],
        ...Array.from(benchmark.list(), (cell) => [
          cell,
          benchmark.lookupSync(cell),
          benchmark.trainings(cell),
        ]),
      ]);
    };
    const right = figures();
    const random = stream(1, 'flips');
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 + random.int(255);
      writeFileSync(path, flipped);
      let found: string | undefined;
      try {
        found = figures();
      } catch (error) {
        expect(error, `byte ${at}`).toMatchObject({ exitCode: 3 });
        refused++;
      }
      if (found !== undefined) expect(found, `byte ${at}`).toBe(right);
    }
    // The others are padding, and the schema that Arrow has a second time at the begin.
    expect(refused).toBeGreaterThan(whole.length / 3);
  });

  it('that is replaced while it is open is noticed', async () => {
    const path = await written();
    const benchmark = openCompactTable(path);
    await writeCompactTable(path, table(2, [0.5, 0.5], [0.5, 0.5]));
    expect(() => benchmark.trainings(benchmark.list()[0]!)).toThrow(data(/was replaced while it was open/));
    expect(() => benchmark.data).toThrow(data(/was replaced/));
  });

  it('is not any Arrow file', async () => {
    const path = await written();
    const bytes = readFileSync(path);
    const key = Buffer.from('"rxnas.benchmark');
    for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1)) bytes[at] = 0x78;
    writeFileSync(path, bytes);
    expect(() => openCompactTable(path)).toThrow(data(/Arrow file, but no table of rxnas/));
  });
});
