import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RecordBatchStreamWriter, tableFromArrays, tableToIPC } from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import {
  type ImportOptions,
  type ImportResult,
  importBenchmark,
} from '../../../../src/core/benchmark/import/index.js';
import { openBenchmark } from '../../../../src/core/benchmark/index.js';
import { cellOf, nasbench101 } from '../../../../src/core/space/nasbench101.js';
import { nasbench201 } from '../../../../src/core/space/nasbench201.js';
import { sharedData } from '../../../support/sharedData.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

const data = (message: RegExp) =>
  expect.objectContaining({ exitCode: 3, message: expect.stringMatching(message) });
const usage = (message: RegExp, hint = /./) =>
  expect.objectContaining({
    exitCode: 2,
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });

type Values = Record<string, unknown[]>;
const rowsOf = (columns: Values) =>
  Object.values(columns)[0]!.map((_, row) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]])),
  );

const csv = (columns: Values, delimiter = ',') =>
  [Object.keys(columns), ...rowsOf(columns).map((row) => Object.values(row))]
    .map((row) => row.map((value) => value ?? '').join(delimiter))
    .join('\n');

async function imported(content: string | Uint8Array, name: string, options: Partial<ImportOptions> = {}) {
  const folder = temporaryFolder();
  const [from, out] = [join(folder, name), join(folder, 'table.arrow')];
  writeFileSync(from, content);
  let result: ImportResult | undefined;
  for await (const step of importBenchmark({ from, out, space: nasbench201, ...options }))
    result = step.result;
  return { result: result!, benchmark: await openBenchmark(out), bytes: readFileSync(out) };
}

/** Four cells, in per cent. */
const cells = [0, 5, 4321, 15_624].map((id) => nasbench201.cells()[id]!);
const columns: Values = {
  arch: cells.map((cell) => nasbench201.hash(cell)),
  cifar100_valid_200: [70.5, 10, 45.25, 60],
  cifar100_test_200: [71.5, 10.5, 44.75, 61],
};

describe('a table of architecture strings and accuracies', () => {
  const objects = rowsOf(columns) as Record<string, unknown>[];
  const files: [name: string, content: string | Uint8Array][] = [
    ['t.csv', csv(columns)],
    ['semicolons.csv', `\ufeff${csv(columns, ';').replaceAll('\n', '\r\n')}\n`],
    ['t.tsv', csv(columns, '\t')],
    ['array.json', JSON.stringify(objects)],
    ['columns.json', JSON.stringify(columns)],
    ['lines.jsonl', objects.map((row) => JSON.stringify(row)).join('\n')],
    [
      'pandas.json',
      JSON.stringify(Object.fromEntries(Object.entries(columns).map(([k, v]) => [k, { ...v }]))),
    ],
    ['misnamed.csv', JSON.stringify(objects, null, 1)],
    [
      't.parquet',
      new Uint8Array(
        parquetWriteBuffer({
          columnData: Object.entries(columns).map(([name, values]) => ({ name, data: values })),
        }),
      ),
    ],
    ['t.arrow', tableToIPC(tableFromArrays(columns as Record<string, string[]>), 'file')],
    [
      'stream.arrows',
      RecordBatchStreamWriter.writeAll(tableFromArrays(columns as Record<string, string[]>)).toUint8Array(
        true,
      ),
    ],
  ];
  it.each(files)('is imported from %s', async (name, content) => {
    const { result, benchmark } = await imported(content, name);
    expect(result).toMatchObject({
      cells: 4,
      rows: 4,
      duplicates: 0,
      unknown: 0,
      missingRepeats: 0,
      best: 0.715,
    });
    expect(result.groups).toMatchObject([
      { dataset: 'cifar100', epochs: 200, repeats: 1, bestValidation: 0.705 },
    ]);
    expect(result.repairs).toEqual([expect.stringMatching(/per cent, divided by 100/)]);
    expect(await benchmark.lookup(cells[2]!)).toMatchObject({ validation: [0.4525], test: [0.4475] });
    expect(benchmark.list!()).toHaveLength(4);
  });

  it('as an object of objects has its keys as the column key', async () => {
    const nested = Object.fromEntries(
      cells.map((cell, i) => [nasbench201.hash(cell), { cifar10: { valid: 0.5, test: 0.6 + i / 100 } }]),
    );
    const { result } = await imported(JSON.stringify(nested), 't.json');
    expect(result.columns).toEqual({
      key: 'cell',
      'cifar10.valid': 'validation 1 on cifar10',
      'cifar10.test': 'test 1 on cifar10',
    });
    expect(result.best).toBe(0.63);
  });

  it('of several data sets, seeds and lengths is one table to choose from', async () => {
    const wide: Values = { arch: columns.arch! };
    for (const dataset of ['cifar10', 'cifar100', 'ImageNet16-120'])
      for (const epochs of [12, 200])
        for (const seed of [777, 888])
          for (const kind of ['valid', 'test'])
            wide[`${dataset}_${epochs}_${kind}_${seed}`] = cells.map(
              (_, i) => 10 + epochs / 10 + i + seed / 1000,
            );
    wide.cifar10_200_seconds_777 = [1, 2, 3, 4];
    wide.flops = [5, 6, 7, 8];
    const { result, benchmark } = await imported(csv(wide), 't.csv');
    expect(result.groups.map(({ dataset, epochs, repeats }) => [dataset, epochs, repeats])).toEqual(
      ['cifar10', 'cifar100', 'ImageNet16-120'].flatMap((dataset) => [
        [dataset, 200, 2],
        [dataset, 12, 2],
      ]),
    );
    expect(result.columns.flops).toBeUndefined();
    expect(await benchmark.lookup(cells[1]!)).toMatchObject({ test: [0.31777, 0.31888], seconds: 2 });
    const chosen = (choice: string) => openBenchmark(`${result.table}#${choice}`);
    expect(await (await chosen('ImageNet16-120')).lookup(cells[1]!)).toMatchObject({
      test: [0.31777, 0.31888],
    });
    expect(await (await chosen('12')).lookup(cells[0]!)).toMatchObject({
      test: [0.11977, 0.12088].map((v) => expect.closeTo(v, 12)),
    });
    expect(await (await chosen('cifar100/12')).lookup(cells[0]!)).toMatchObject({ test: expect.any(Array) });
    await expect(chosen('cifar1000')).rejects.toEqual(
      usage(/no data set 'cifar1000'/, /it has cifar10, cifar100/),
    );
    await expect(chosen('cifar10/36')).rejects.toEqual(
      usage(/no trainings of 36 epochs/, /200 epochs, 12 epochs/),
    );
  });

  it('with named columns takes these and no others', async () => {
    const named = {
      cell_string: columns.arch!,
      v: [0.5, 0.6, 0.7, 0.8],
      a: [0.1, 0.2, 0.3, 0.4],
      b: [0.2, 0.3, 0.4, 0.5],
    };
    const roles = { key: ['cell_string'], validation: ['v'], test: ['a', 'b'], dataset: 'svhn', epochs: 9 };
    const { result, benchmark } = await imported(csv(named), 't.csv', { roles });
    expect(result.groups).toMatchObject([{ dataset: 'svhn', epochs: 9, repeats: 2, bestTest: 0.45 }]);
    expect(await benchmark.lookup(cells[3]!)).toMatchObject({ validation: [0.8], test: [0.4, 0.5] });
    const wrong = (given: object) => imported(csv(named), 't.csv', { roles: { ...roles, ...given } });
    await expect(wrong({ validation: ['V_'] })).rejects.toEqual(usage(/no column 'V_'/, /did you mean 'v'/));
    await expect(wrong({ test: undefined })).rejects.toEqual(usage(/test accuracy/, /--test COLUMN/));
    await expect(wrong({ key: undefined })).rejects.toEqual(usage(/to be the cell/, /--key COLUMN/));
  });
});

describe('what cannot be right', () => {
  const changed = (name: string, row: number, value: unknown): Values => ({
    ...columns,
    [name]: columns[name]!.with(row, value),
  });
  const test = 'cifar100_test_200';
  const repeated = (value: number): Values =>
    Object.fromEntries(
      Object.entries(columns).map(([name, values]) => [name, [...values, name === test ? value : values[1]]]),
    );
  const of = (values: Values, options: Partial<ImportOptions> = {}) =>
    imported(csv(values), 't.csv', options);

  it('is named with row and column', async () => {
    await expect(of(changed('arch', 2, '|none~0|'))).rejects.toEqual(data(/row 3 is not of nasbench201/));
    await expect(of(changed(test, 1, 'many'))).rejects.toEqual(
      data(/row 2 has "many" in column 'cifar100_test_200'/),
    );
    await expect(of(changed(test, 1, 101))).rejects.toEqual(
      data(/row 2, column 'cifar100_test_200' has 101/),
    );
    await expect(of(changed(test, 3, -1))).rejects.toEqual(data(/row 4, column 'cifar100_test_200' has -1/));
    await expect(of(changed(test, 3, 'Infinity'))).rejects.toEqual(data(/row 4, column .* has Infinity/));
    await expect(of(changed(test, 3, 0.61))).rejects.toEqual(
      data(/row 4, column .* has 0.61, a fraction among per cents/),
    );
    await expect(of({ ...columns, [test]: [0.5, 0.6, 61, 0.7] })).rejects.toEqual(
      data(/row 3, column .* has 61/),
    );
  });

  it('may be a real accuracy of 1 % and less', async () => {
    const { result } = await of(changed(test, 1, 0.83));
    expect(result.groups[0]!.bestTest).toBe(0.715);
  });

  it('is taken as it is said to be', async () => {
    const { benchmark } = await of(changed(test, 3, 0.61), { scale: 'percent' });
    expect(await benchmark.lookup(cells[3]!)).toMatchObject({ test: [0.61 / 100] });
    await expect(of(columns, { scale: 'fraction' })).rejects.toEqual(data(/has 70.5, where fractions/));
  });

  it('a cell twice is merged where it says the same, else refused or repaired as asked', async () => {
    const merged = await of(repeated(10.5));
    expect(merged.result).toMatchObject({ cells: 4, rows: 5, duplicates: 1 });
    await expect(of(repeated(11))).rejects.toEqual(
      data(/row 5 is the cell of row 2 again.*'cifar100_test_200' is 11 and was 10.5/),
    );
    const first = await of(repeated(11), { duplicates: 'first' });
    expect(await first.benchmark.lookup(cells[1]!)).toMatchObject({ test: [0.105] });
    expect(first.result.repairs).toContainEqual(expect.stringMatching(/1 rows? repeat/));
    const repeats = await of(repeated(11), { duplicates: 'repeats' });
    expect(await repeats.benchmark.lookup(cells[1]!)).toMatchObject({
      test: [0.105, 0.11],
      validation: [0.1, 0.1],
    });
    expect(repeats.result).toMatchObject({ missingRepeats: 3 });
  });

  it('unknown cells are left out where that is asked for', async () => {
    const { result } = await of(changed('arch', 2, 'none'), { skipUnknown: true });
    expect(result).toMatchObject({ cells: 3, rows: 4, unknown: 1 });
  });

  it('files that are cut, empty, ragged or of no kind', async () => {
    const parquet = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'arch', data: ['a'] }] }));
    const arrow = tableToIPC(tableFromArrays(columns as Record<string, string[]>), 'file');
    await expect(imported('', 't.csv')).rejects.toEqual(data(/is empty/));
    await expect(
      imported('arch\n', 't.csv', { roles: { key: ['arch'], validation: ['arch'], test: ['arch'] } }),
    ).rejects.toEqual(data(/has no rows/));
    await expect(imported(`${csv(columns)},1`, 't.csv')).rejects.toEqual(data(/no CSV table.*line 5/));
    await expect(imported('[{"arch": 1}, ', 't.json')).rejects.toEqual(data(/not valid JSON/));
    await expect(imported('[1, 2]', 't.json')).rejects.toEqual(data(/holds no table/));
    await expect(imported(parquet.subarray(0, 30), 't.parquet')).rejects.toEqual(data(/damaged/));
    await expect(imported(arrow.subarray(0, arrow.length - 500), 't.arrow')).rejects.toEqual(data(/damaged/));
    await expect(imported(csv(columns), 't.tfrecord', { space: nasbench101 })).rejects.toEqual(
      data(/no TFRecord file/),
    );
    await expect(imported(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]), 't.bin')).rejects.toEqual(
      data(/no known kind/),
    );
  });
});

describe('NAS-Bench-101 cells', () => {
  const [cell, mirror] = ['02', '20'].map((ops) => cellOf(4, 0b110_01_1, ops)) as [number, number];
  const other = nasbench101.cells()[50]!;
  const figures = { valid: [0.5, 0.6], test: [0.7, 0.8] };
  const options = { space: nasbench101 };
  const keys: [what: string, columns: Values][] = [
    ['text', { key: [mirror, other].map((code) => nasbench101.describe(code).text) }],
    ['cell codes', { cell: [mirror, other] }],
    ['hashes', { module_hash: [mirror, other].map((code) => nasbench101.hash(code)) }],
    [
      'matrix and operations',
      {
        module_adjacency: [mirror, other].map((code) => nasbench101.describe(code).matrix!.flat().join('')),
        module_operations: [mirror, other].map((code) => nasbench101.describe(code).ops.join(' ')),
      },
    ],
  ];
  it.each(keys)('are known by %s', async (_, key) => {
    const quoted = csv({ ...key, ...figures }).replaceAll(
      /(?<=,)(input[^,]+output)/g,
      (ops) => `"${ops.replaceAll(' ', ',')}"`,
    );
    const { result, benchmark } = await imported(quoted, 't.csv', options);
    expect(result.cells).toBe(2);
    expect(await benchmark.lookup(cell)).toMatchObject({ validation: [0.5], test: [0.7] });
  });

  it('that are isomorphic are one, and must agree', async () => {
    const isomorphic = (test: number[]) =>
      imported(csv({ cell: [cell, mirror], valid: [0.5, 0.5], test }), 't.csv', options);
    expect((await isomorphic([0.7, 0.7])).result).toMatchObject({ cells: 1, duplicates: 1 });
    await expect(isomorphic([0.7, 0.8])).rejects.toEqual(
      data(/row 2 is the cell of row 1 again, or an isomorphic one/),
    );
  });

  it('with graph and hash have the hash compared', async () => {
    const simulated = (hash: string) => ({
      module_hash: [nasbench101.hash(cell), hash],
      num_vertices: [4, 2],
      edge_bits: [0b110_01_1, 1],
      interior_ops: ['02', ''],
      trainable_parameters: [10, 20],
      test_accuracy_108_mean: [0.5, 0.6],
      validation_accuracy_108_simulated: [0.5, 0.6],
      training_seconds_108: [7, undefined],
    });
    const least = nasbench101.hash(nasbench101.cells()[0]!);
    const { result, benchmark } = await imported(csv(simulated(least)), 't.csv', options);
    expect(result.columns).toMatchObject({
      validation_accuracy_108_simulated: 'validation 1 on cifar10 after 108 epochs',
    });
    expect(await benchmark.lookup(mirror)).toEqual({
      validation: [0.5],
      test: [0.5],
      parameters: 10,
      seconds: 7,
    });
    await expect(imported(csv(simulated(nasbench101.hash(other))), 't.csv', options)).rejects.toEqual(
      data(new RegExp(`row 2 is labelled ${nasbench101.hash(other)}, but the hash of its cell is ${least}`)),
    );
  });

  const table = sharedData('nasbench101.parquet');
  it.skipIf(!table)('all of them are imported', async () => {
    const out = join(temporaryFolder(), 'table.arrow');
    let result: ImportResult | undefined;
    const roles = {
      key: ['num_vertices', 'edge_bits', 'interior_ops'],
      validation: ['validation_accuracy_108_simulated'],
      test: ['test_accuracy_108_mean'],
      seconds: ['training_seconds_108'],
      parameters: 'trainable_parameters',
    };
    for await (const step of importBenchmark({ from: table!, out, roles, ...options })) result = step.result;
    expect(result).toMatchObject({ cells: 423_624, missingCells: 0, duplicates: 0, unknown: 0 });
    expect(result!.published.map(({ agrees }) => agrees)).toEqual([true, true, true]);
    const [benchmark, original] = await Promise.all([out, table!].map((file) => openBenchmark(file)));
    for (const code of nasbench101.cells().filter((_, id) => id % 1009 === 0))
      expect(await benchmark!.lookup(code)).toEqual(await original!.lookup(code));
  });
});
