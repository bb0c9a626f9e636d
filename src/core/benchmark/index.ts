import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { dataError, usageError } from '../errors.js';
import { given } from '../given.js';
import { parseParams } from '../params.js';
import { nasbench101 } from '../space/nasbench101.js';
import { nasbench201 } from '../space/nasbench201.js';
import type { Space } from '../space/space.js';
import { unknownName } from '../suggest.js';
import { type Benchmark, type BenchmarkSpec, defineBenchmark, type OpenOptions } from './benchmark.js';
import { compactHeader, type FigureChoice, isCompactTable, openCompactTable } from './compactTable.js';
import { openKnownLayout, openMeasured, openNasbench101, openNasbench201 } from './layouts.js';
import { live } from './live/spec.js';
import { importedTable, importedTables, tablePath } from './named.js';

export * from './benchmark.js';
export { CompactBenchmark, type FigureChoice, type TrainingFigures } from './compactTable.js';
export { type LiveOptions, openLive } from './live/liveBenchmark.js';
export type { Training, TrainingExecutor, TrainingWork } from './live/training.js';
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
  const { name, space } = description;
  const file = z.string().min(1);
  return defineBenchmark({
    ...description,
    params: z.strictObject({
      file: own
        ? file.optional().describe('table; default: the one that comes with rxnas')
        : file.describe('table that `rxnas benchmark import` has made, or Parquet'),
      dataset: z.string().min(1).optional().describe('data set, where the table has several'),
      epochs: z
        .int()
        .min(1)
        .optional()
        .describe('length of the trainings; default: the longest')
        .meta({ unit: 'epochs' }),
    }),
    example: own ? name : `${name}: { file: benchmarks/${name}.arrow }`,
    async create({ file = own, ...wish }) {
      const choice = given(wish);
      if (!isCompactTable(file!)) {
        noChoice(file!, choice);
        return open(file!);
      }
      const table = openCompactTable(file!, choice);
      if (table.space === space) return table;
      throw dataError(
        `${file} is of ${table.space.name}, not of ${space.name}`,
        `open it by its path alone: ${file}`,
      );
    },
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
export const referencesOf = ({ name, params, forms = ['FILE'] }: BenchmarkSpec): string[] => [
  ...(params.safeParse({}).success ? [name] : []),
  ...forms.map((form) => `${name}:${form}`),
];

/**
 * Open a benchmark: `NAME` of one that is built in or of an imported table, `FILE` of a table, `NAME:FILE` for a table in the columns of that
 * benchmark, `live:DATA,PARAMETER=VALUE,…` for live training, or a spec and its parameters. `#DATASET`, `#EPOCHS` or `#DATASET/EPOCHS` behind a
 * name or file chooses among the figures of an imported table.
 *
 * Rejects with exit code 2 for an unknown name or wrong parameter, for figures that a table does not have and where more has to be said; 3 where
 * its data cannot be used. What has `close` is to be closed.
 */
export async function openBenchmark(
  benchmark: string | BenchmarkSpec,
  params: Record<string, unknown> = {},
  options: OpenOptions = {},
): Promise<Benchmark> {
  if (typeof benchmark !== 'string') {
    return benchmark.create(parseParams(`benchmark ${benchmark.name}`, benchmark.params, params), options);
  }
  const table = tableReference(benchmark);
  if (table) return openBenchmark(table.spec, { ...params, ...table.params }, options);
  const colon = benchmark.indexOf(':');
  const name = colon < 0 ? benchmark : benchmark.slice(0, colon);
  const spec = benchmarks.find((each) => each.name === name);
  if (!spec) return openKnownFile(benchmark);
  const text = colon < 0 ? '' : benchmark.slice(colon + 1);
  const said = { ...params, ...(text && textParams(spec, text)) };
  if (Object.keys(said).length === 0 && !spec.params.safeParse({}).success) {
    throw usageError(
      `benchmark '${name}' ${spec.forms ? 'does not say which data' : 'needs its table'}`,
      `give ${referencesOf(spec).join(', ')}${spec.forms ? '' : `, or make ${tablePath(name)} with rxnas benchmark import`}; ${embeddedBenchmark} needs none`,
    );
  }
  return openBenchmark(spec, said, options);
}

/** The parameters that a text behind `NAME:` stands for. */
export function textParams(spec: BenchmarkSpec, text: string): Record<string, unknown> {
  if (spec.parse) return spec.parse(text);
  const [file, choice] = withChoice(text);
  return { file, ...choice };
}

/**
 * The benchmark and the parameters that the name or the file of an imported table stands for; undefined where it is none. Throws exit code 3 where
 * the table is damaged.
 */
export function tableReference(
  reference: string,
): { spec: BenchmarkSpec; params: Record<string, unknown> } | undefined {
  const [place, choice] = withChoice(reference);
  const file = existsSync(place) ? place : importedTable(place);
  if (file === undefined || !isCompactTable(file)) return undefined;
  const { space } = compactHeader(file);
  const spec = benchmarks.find(({ name }) => name === space.name)!;
  return { spec, params: { file, ...choice } };
}

/** A Parquet file by its columns. */
async function openKnownFile(place: string): Promise<Benchmark> {
  if (existsSync(place)) return openKnownLayout(place, mnistCells5);
  if (/[/\\]|\.\w+$/.test(place)) throw dataError(`there is no file ${place}`, 'check the path of the table');
  throw unknownName('benchmark', place.split(/[:#]/, 1)[0]!, [...benchmarkNames, ...importedTables().keys()]);
}

/** A reference without what stands behind its `#`, and that. */
function withChoice(reference: string): [place: string, choice: FigureChoice] {
  const [, place, only, dataset, epochs = only] =
    /^(.+)#(?:(\d+)|([^#/]+)(?:\/(\d+))?)$/.exec(reference) ?? [];
  if (place === undefined || existsSync(reference)) return [reference, {}];
  return [place, given({ dataset, epochs: epochs === undefined ? undefined : Number(epochs) })];
}

function noChoice(file: string, choice: FigureChoice): void {
  if (Object.keys(choice).length > 0)
    throw usageError(
      `${file} has one data set and one length of training`,
      'name neither; tables that rxnas benchmark import makes may have several',
    );
}
