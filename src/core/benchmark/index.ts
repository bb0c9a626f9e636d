import { fileURLToPath } from 'node:url';
import { usageError } from '../errors.js';
import { nasbench101 } from '../space/nasbench101.js';
import { nasbench201 } from '../space/nasbench201.js';
import type { Space } from '../space/space.js';
import { z } from 'zod';
import { findNamed, parseParams } from '../params.js';
import { type Benchmark, type BenchmarkSpec, defineBenchmark } from './benchmark.js';
import { openMeasured, openNasbench101, openNasbench201 } from './layouts.js';

export * from './benchmark.js';
export { TableBenchmark, type TableColumns, type TableDescription } from './table.js';

/** A benchmark that is read from a table. */
interface Table {
  name: string;
  summary: string;
  source: string;
  space: Space;
  /** Number of cells of the whole table. */
  cells: number;
  /** The table that comes with the package; absent where the user has to give one (`name:FILE`). */
  file?: string;
  open(file: string): Promise<Benchmark>;
}

/** The benchmark of a table, with the table's file as its parameter. */
function tableBenchmark({ file: own, open, ...description }: Table): BenchmarkSpec {
  const { name } = description;
  const file = z.string().min(1);
  return defineBenchmark({
    ...description,
    params: z.strictObject({
      file: own
        ? file.optional().describe('Parquet table; default: the one that comes with rxnas')
        : file.describe('Parquet table'),
    }),
    example: own ? name : `${name}: { file: ${name}.parquet }`,
    create: ({ file = own }) => open(file!),
  });
}

const mnistCells5 = {
  name: 'mnist-cells5',
  summary: 'every NAS-Bench-101 cell of at most 5 vertices, trained on MNIST (8×8)',
  provenance: 'measured by `rxnas benchmark measure`; see datasets/README.md',
};

/** All benchmarks, by name. */
export const benchmarks: readonly BenchmarkSpec[] = [
  tableBenchmark({
    ...mnistCells5,
    space: nasbench101,
    cells: 2532,
    file: fileURLToPath(new URL('../../../datasets/mnist-cells5.parquet', import.meta.url)),
    open: (file) => openMeasured(file, mnistCells5),
  },
  {
    name: 'nasbench101',
    summary: 'NAS-Bench-101 on CIFAR-10, validation simulated, from a Parquet table',
    space: nasbench101,
    cells: nasbench101.size,
    open: openNasbench101,
  },
  {
    name: 'nasbench201',
    summary: 'NAS-Bench-201 on CIFAR-10 from a Parquet table',
    space: nasbench201,
    cells: nasbench201.size,
    open: openNasbench201,
  },
];

export const benchmarkNames: readonly string[] = benchmarks.map(({ name }) => name);

/** The benchmark that comes with the package. */
export const embeddedBenchmark = mnistCells5.name;

/**
 * Open a benchmark: `NAME` for one that comes with the package, `NAME:FILE` for a table of the same columns.
 * Rejects with exit code 2 for an unknown name or where a file has to be given, 3 where the table cannot be used.
 */
export async function openBenchmark(reference: string): Promise<Benchmark> {
  const colon = reference.indexOf(':');
  const name = colon < 0 ? reference : reference.slice(0, colon);
  const entry = benchmarks.get(name);
  if (!entry) throw unknownName('benchmark', name, benchmarkNames);
  const file = colon < 0 ? entry.file : reference.slice(colon + 1);
  if (!file)
    throw usageError(
      `benchmark '${name}' needs its table`,
      `give it as ${name}:FILE.parquet; ${embeddedBenchmark} needs none`,
    );
  return entry.open(file);
}
