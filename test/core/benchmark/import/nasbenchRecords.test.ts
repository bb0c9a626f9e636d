import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCompactTable } from '../../../../src/core/benchmark/compactTable.js';
import { type ImportResult, importBenchmark } from '../../../../src/core/benchmark/import/index.js';
import { stream } from '../../../../src/core/random/random.js';
import { cellOf, nasbench101 } from '../../../../src/core/space/nasbench101.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';
import { framed, recordsOf, tensorflowFile, tensorflowTruth } from '../../../support/tfRecords.js';

const data = (message: RegExp) =>
  expect.objectContaining({ exitCode: 3, message: expect.stringMatching(message) });

async function imported(from: string, options: { skipUnknown?: boolean } = {}) {
  const out = join(temporaryFolder(), 'table.arrow');
  let result: ImportResult | undefined;
  for await (const step of importBenchmark({ from, out, ...options })) result = step.result;
  return { result: result!, benchmark: openCompactTable(out) };
}

/** A file of changed records; the records as JSON values. */
async function changed(change: (records: unknown[][]) => unknown[]): Promise<string> {
  const records = (await recordsOf(tensorflowFile)).map((text) => JSON.parse(text));
  const path = join(temporaryFolder(), 'changed.tfrecord');
  writeFileSync(path, framed(change(records).map((record) => JSON.stringify(record))));
  return path;
}

describe('NAS-Bench-101’s own file', () => {
  it('is imported with every figure of every training', async () => {
    const { result, benchmark } = await imported(tensorflowFile);
    expect(result).toMatchObject({ cells: 6, rows: 72, duplicates: 0, unknown: 0, missingRepeats: 0 });
    expect(result.groups.map(({ epochs, repeats, halfway }) => [epochs, repeats, halfway])).toEqual(
      [108, 36, 12, 4].map((epochs) => [epochs, 3, true]),
    );
    expect(benchmark).toMatchObject({ cells: 6, space: nasbench101, dataset: 'cifar10', epochs: 108 });
    for (const cell of benchmark.list()) {
      const truth = tensorflowTruth[nasbench101.hash(cell)]!;
      const expected = ['108', '36', '12', '4'].flatMap((epochs) =>
        ([2, 1] as const).flatMap((evaluation) =>
          truth[epochs]!.map((repeat, i) => {
            const [seconds, train, validation, test] = repeat[evaluation]!;
            const point = evaluation === 2 ? 'end' : 'half';
            const of = { dataset: 'cifar10', epochs: Number(epochs), point, repeat: i + 1 };
            return { ...of, validation, test, train, seconds };
          }),
        ),
      );
      expect(benchmark.trainings(cell)).toEqual(expected);
      const last = truth['108']!.map((repeat) => repeat[2]!);
      expect(await benchmark.lookup(cell)).toEqual({
        validation: last.map(([, , validation]) => validation),
        test: last.map(([, , , test]) => test),
        parameters: truth.parameters,
        seconds: expect.closeTo(last.reduce((sum, [seconds]) => sum + seconds!, 0) / 3, 9),
      });
    }
    expect(nasbench101.cells().filter((cell) => benchmark.has(cell))).toHaveLength(6);
  });

  it('cut or with a bit turned anywhere is refused, and leaves the table as it was', async () => {
    const folder = temporaryFolder();
    const [from, out] = [join(folder, 'damaged.tfrecord'), join(folder, 'table.arrow')];
    writeFileSync(out, 'what was there');
    const whole = readFileSync(tensorflowFile);
    const random = stream(1, 'faults');
    for (let i = 0; i < 24; i++) {
      const bytes = Buffer.from(whole);
      const at = random.int(whole.length);
      bytes[at]! ^= 1 << random.int(8);
      writeFileSync(from, i % 2 === 0 ? bytes : whole.subarray(0, at));
      const end = async () => {
        for await (const _ of importBenchmark({ from, out }));
      };
      await expect(end(), `byte ${at}`).rejects.toMatchObject({ exitCode: 3 });
      expect(readFileSync(out, 'utf8')).toBe('what was there');
    }
  });

  it('with sound checksums and wrong content is refused, with the record and its offset', async () => {
    const wrong = async (record: number, field: number, value: unknown, message: string) => {
      const path = await changed((records) => records.with(record, records[record]!.with(field, value)));
      const offset = framed((await recordsOf(path)).slice(0, record)).length;
      const place = `record ${record} at byte ${offset.toLocaleString('en-US')}`;
      await expect(imported(path)).rejects.toEqual(data(new RegExp(`${place} ${message}`)));
    };
    const [first, second] = (await recordsOf(tensorflowFile)).map((text) => JSON.parse(text));
    const other = Object.keys(tensorflowTruth).find((hash) => hash !== second[0]);
    await wrong(1, 0, other, `is labelled ${other}, but the hash of its graph is ${second[0]}`);
    await wrong(40, 0, 'a hash', 'has no hash');
    await wrong(1, 1, 50, 'is said to be of 50 epochs');
    await wrong(
      1,
      1,
      second[1] === 108 ? 12 : 108,
      'is labelled \\d+ epochs, but its last evaluation is of epoch',
    );
    await wrong(3, 2, '0110', 'is no cell of NAS-Bench-101');
    await wrong(3, 3, 'input,conv5x5,output', 'is no cell of NAS-Bench-101');
    await wrong(2, 4, 'AAAA', 'has metrics that cannot be read');
    await wrong(2, 4, '', 'has 0 evaluations');
    await expect(imported(await changed((records) => [...records, first]))).rejects.toEqual(
      data(/record 72 at byte [\d,]+ is training 4 of the cell/),
    );
    await expect(imported(await changed((records) => records.with(5, ['a'])))).rejects.toEqual(
      data(/record 5 at byte [\d,]+ is none of NAS-Bench-101/),
    );
  });

  it('with accuracies in per cent, or without, is refused', async () => {
    const double = (field: number, value: number) => {
      const bytes = Buffer.alloc(9);
      bytes[0] = (field << 3) | 1;
      bytes.writeDoubleLE(value, 1);
      return bytes;
    };
    const metrics = (fields: [number, number][]) => {
      const evaluation = Buffer.concat(fields.map(([field, value]) => double(field, value)));
      const message = Buffer.concat([Buffer.from([0x0a, evaluation.length]), evaluation]);
      return Buffer.concat([message, message, message]).toString('base64');
    };
    const withMetrics = (fields: [number, number][]) =>
      changed((records) => records.with(0, records[0]!.with(4, metrics(fields))));
    const good: [number, number][] = [2, 3, 4, 5].map((field) => [field, 0.5]);
    const { result } = await imported(await withMetrics(good));
    expect(result.cells).toBe(6);
    for (const [fields, message] of [
      [good.with(3, [5, 93.5]), /record 0 at byte 0 has a test accuracy of 93.5/],
      [good.with(2, [4, -0.1]), /record 0 at byte 0 has a validation accuracy of -0.1/],
      [good.with(0, [2, Number.POSITIVE_INFINITY]), /record 0 at byte 0 has a training time of Infinity/],
      [good.slice(0, 3), /record 0 at byte 0 lacks a test accuracy/],
    ] as const)
      await expect(imported(await withMetrics([...fields]))).rejects.toEqual(data(message));
  });

  it('says what is missing where it was cut between two records', async () => {
    const { result } = await imported(await changed((records) => records.slice(0, -1)));
    expect(result).toMatchObject({ cells: 6, rows: 71, missingRepeats: 1 });
  });

  it('passes unknown cells over where it is asked to, and counts them', async () => {
    const path = await changed((records) => records.with(3, records[3]!.with(2, '0110')));
    const { result } = await imported(path, { skipUnknown: true });
    expect(result).toMatchObject({ cells: 6, rows: 72, unknown: 1, missingRepeats: 1 });
  });

  it('takes isomorphic graphs for one cell', async () => {
    // input → 1 → output, input → 2 → output: the vertices may change places.
    const [cell, mirror] = ['02', '20'].map((ops) => cellOf(4, 0b110_01_1, ops)) as [number, number];
    expect(mirror).not.toBe(cell);
    const graph = (code: number) => {
      const { matrix, ops } = nasbench101.describe(code);
      return [matrix!.flat().join(''), ops.join(',')];
    };
    const path = await changed((records) => {
      const [, , , , metrics] = records.find(([, epochs]) => epochs === 108)!;
      return [cell, mirror, cell].map((code) => [nasbench101.hash(cell), 108, ...graph(code), metrics]);
    });
    const { result, benchmark } = await imported(path);
    expect(result).toMatchObject({ cells: 1, rows: 3, missingRepeats: 0 });
    expect(benchmark.lookupSync(mirror)).toEqual(benchmark.lookupSync(cell));
  });
});
