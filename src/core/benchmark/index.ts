import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { usageError } from '../errors.js';
import { findNamed, parseParams } from '../params.js';
import { nasbench101 } from '../space/nasbench101.js';
import { nasbench201 } from '../space/nasbench201.js';
import type { Space } from '../space/space.js';
import { type Benchmark, type BenchmarkSpec, defineBenchmark, type OpenOptions } from './benchmark.js';
import { openMeasured, openNasbench101, openNasbench201 } from './layouts.js';
import { live } from './live/spec.js';

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
    source: 'datasets/README.md',
    space: nasbench101,
    cells: 2532,
    file: fileURLToPath(new URL('../../../datasets/mnist-cells5.parquet', import.meta.url)),
    open: (file) => openMeasured(file, mnistCells5),
  }),
  tableBenchmark({
    name: 'nasbench101',
    summary: 'NAS-Bench-101 on CIFAR-10, validation simulated, from a Parquet table',
    source: 'arXiv 1902.09635',
    space: nasbench101,
    cells: nasbench101.size,
    open: openNasbench101,
  }),
  tableBenchmark({
    name: 'nasbench201',
    summary: 'NAS-Bench-201 on CIFAR-10 from a Parquet table',
    source: 'arXiv 2001.00326',
    space: nasbench201,
    cells: nasbench201.size,
    open: openNasbench201,
  }),
  live,
];

export const benchmarkNames: readonly string[] = benchmarks.map(({ name }) => name);

/** The benchmark that comes with the package. */
export const embeddedBenchmark = mnistCells5.name;

/** What can be given on the command line for a benchmark: `NAME` where that says enough, `NAME:TEXT`. */
export const referencesOf = ({ name, params, forms = ['FILE.parquet'] }: BenchmarkSpec): string[] => [
  ...(params.safeParse({}).success ? [name] : []),
  ...forms.map((form) => `${name}:${form}`),
];

/**
 * Open a benchmark: `NAME` for one that comes with the package, `NAME:FILE` for a table of the same columns, `live:DATA,PARAMETER=VALUE,…` for
 * live training, or a spec and its parameters. Rejects with exit code 2 for an unknown name or wrong parameter or where more has to be
 * said, 3 where its data cannot be used. What has `close` is to be closed.
 */
export async function openBenchmark(
  benchmark: string | BenchmarkSpec,
  params: Record<string, unknown> = {},
  options: OpenOptions = {},
): Promise<Benchmark> {
  if (typeof benchmark !== 'string') {
    return benchmark.create(parseParams(`benchmark ${benchmark.name}`, benchmark.params, params), options);
  }
  const colon = benchmark.indexOf(':');
  const name = colon < 0 ? benchmark : benchmark.slice(0, colon);
  const spec = findNamed('benchmark', benchmarks, name);
  const text = colon < 0 ? '' : benchmark.slice(colon + 1);
  const said = { ...params, ...(text && (spec.parse?.(text) ?? { file: text })) };
  if (Object.keys(said).length === 0 && !spec.params.safeParse({}).success) {
    throw usageError(
      `benchmark '${name}' ${spec.forms ? 'does not say which data' : 'needs its table'}`,
      `give ${referencesOf(spec).join(', ')}; ${embeddedBenchmark} needs none`,
    );
  }
  return openBenchmark(spec, said, options);
}
