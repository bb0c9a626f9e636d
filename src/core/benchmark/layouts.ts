import { dataError } from '../errors.js';
import { cellOf, nasbench101 } from '../space/nasbench101.js';
import { nasbench201 } from '../space/nasbench201.js';
import type { Benchmark } from './benchmark.js';
import { type ParquetColumns, parquetColumnNames, readParquetColumns } from './parquetColumns.js';
import { TableBenchmark } from './table.js';

/*
 * The Parquet tables that can be opened as benchmarks, by their columns. All of NAS-Bench-101 have
 * `num_vertices`, `edge_bits` and `interior_ops` for the cell, as datasets/README.md explains them.
 */

const cellNumbers = ['num_vertices', 'edge_bits'];
const cellTexts = ['interior_ops'];

function nasbench101Cells({ rows, numbers, texts }: ParquetColumns): Uint32Array {
  const { num_vertices: vertices, edge_bits: edges } = numbers as Record<string, Float64Array>;
  const ops = texts.interior_ops!;
  const cells = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) cells[row] = cellOf(vertices![row]!, edges![row]!, ops[row]!);
  return cells;
}

/** Columns of repeat 1, 2, … of a measured table. */
export const measuredColumns = {
  validation: (repeat: number) => `validation_accuracy_${repeat}`,
  test: (repeat: number) => `test_accuracy_${repeat}`,
  seconds: (repeat: number) => `training_seconds_${repeat}`,
};

/** A table that `rxnas benchmark measure` wrote, the embedded one above all. */
export async function openMeasured(
  path: string,
  description: { name: string; summary: string; provenance: string },
): Promise<Benchmark> {
  let repeats: number[] = [];
  const table = await readParquetColumns(path, (all) => {
    repeats = all.flatMap((name) => /^validation_accuracy_(\d+)$/.exec(name)?.[1] ?? []).map(Number);
    if (repeats.length === 0) repeats = [1]; // reported as missing
    const figures = Object.values(measuredColumns).flatMap((name) => repeats.map(name));
    return { numbers: [...cellNumbers, 'trainable_parameters', ...figures], texts: cellTexts };
  });
  const columns = (name: (repeat: number) => string) => repeats.map((repeat) => table.numbers[name(repeat)]!);
  return new TableBenchmark(
    { ...description, space: nasbench101, path, sha256: table.sha256, canonical: true },
    {
      cells: nasbench101Cells(table),
      validation: columns(measuredColumns.validation),
      test: columns(measuredColumns.test),
      parameters: table.numbers.trainable_parameters!,
      seconds: columns(measuredColumns.seconds),
    },
  );
}

const cifar10 = { dataset: 'cifar10', epochs: 108, point: 'end', repeat: 1 } as const;

/** The columns of the table that {@link openNasbench101} opens. */
export const simulatedNasbench101 = {
  key: [...cellNumbers, ...cellTexts],
  hash: 'module_hash',
  figures: [
    { column: 'validation_accuracy_108_simulated', figure: { ...cifar10, quantity: 'validation' } },
    { column: 'test_accuracy_108_mean', figure: { ...cifar10, quantity: 'test' } },
    { column: 'training_seconds_108', figure: { ...cifar10, quantity: 'seconds' } },
  ],
  parameters: 'trainable_parameters',
} as const;

/** NAS-Bench-101 with one real test accuracy (mean of three repeats) and one simulated validation accuracy a cell. */
export async function openNasbench101(path: string): Promise<Benchmark> {
  const { figures, parameters } = simulatedNasbench101;
  const [validation, test, seconds] = figures.map(({ column }) => column) as [string, string, string];
  const table = await readParquetColumns(path, {
    numbers: [...cellNumbers, parameters, test, validation, seconds],
    texts: cellTexts,
  });
  return new TableBenchmark(
    {
      name: 'nasbench101',
      summary: 'NAS-Bench-101, CIFAR-10 after 108 epochs (simulated validation)',
      provenance: `${path}: ${test} is NAS-Bench-101's (arXiv 1902.09635); validation is simulated (${validation})`,
      space: nasbench101,
      path,
      sha256: table.sha256,
      canonical: false,
    },
    {
      cells: nasbench101Cells(table),
      validation: [table.numbers[validation]!],
      test: [table.numbers[test]!],
      parameters: table.numbers[parameters]!,
      seconds: [table.numbers[seconds]!],
    },
  );
}

/** NAS-Bench-201 on CIFAR-10, accuracies in per cent, mean over repeats after 200 epochs. */
export async function openNasbench201(path: string): Promise<Benchmark> {
  const validation = 'cifar10_valid_200';
  const test = 'cifar10_test_200';
  const table = await readParquetColumns(path, { numbers: [validation, test], texts: ['arch'] });
  const fractions = (name: string) => table.numbers[name]!.map((percent) => percent / 100);
  return new TableBenchmark(
    {
      name: 'nasbench201',
      summary: 'NAS-Bench-201, CIFAR-10 after 200 epochs',
      provenance: `${path}: NAS-Bench-201's accuracies (arXiv 2001.00326), mean over repeats`,
      space: nasbench201,
      path,
      sha256: table.sha256,
      canonical: false,
    },
    {
      cells: Uint32Array.from(table.texts.arch!.map((arch) => nasbench201.parse(arch))),
      validation: [fractions(validation)],
      test: [fractions(test)],
      parameters: new Float64Array(table.rows).fill(Number.NaN),
      seconds: [],
    },
  );
}

/** A Parquet table by its columns. Rejects with exit code 3 where they are of none of these. */
export async function openKnownLayout(
  path: string,
  measured: { name: string; summary: string; provenance: string },
): Promise<Benchmark> {
  const columns = await parquetColumnNames(path);
  const has = (names: readonly string[]) => names.every((name) => columns.includes(name));
  if (has(simulatedNasbench101.figures.map(({ column }) => column))) return openNasbench101(path);
  if (has(['arch', 'cifar10_valid_200', 'cifar10_test_200'])) return openNasbench201(path);
  if (has([...cellNumbers, measuredColumns.validation(1), measuredColumns.test(1)]))
    return openMeasured(path, { ...measured, provenance: `${path}; ${measured.provenance}` });
  throw dataError(
    `${path} has columns of no known benchmark: ${columns.join(', ')}`,
    'make a table of it: rxnas benchmark import',
  );
}
