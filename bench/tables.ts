import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Field, Float64, Schema, Uint32 } from 'apache-arrow';
import { makeBatch } from '../src/core/batch/index.js';
import { openCompactTable, writeCompactTable } from '../src/core/benchmark/compactTable.js';
import { columnName, type FigureColumn, quantities } from '../src/core/benchmark/figures.js';
import { importBenchmark } from '../src/core/benchmark/import/index.js';
import { readParquetColumns } from '../src/core/benchmark/parquetColumns.js';
import { stream } from '../src/core/random/random.js';
import { ParquetColumnSink } from '../src/core/run/index.js';
import { nasbench101 } from '../src/core/space/nasbench101.js';

/** What is measured of tables, each in a process of its own, beyond Node's own start and the imports. */
type TableTask =
  | { task: 'open'; file: string; lookups: number }
  | { task: 'openParquet'; file: string; columns: string[] }
  | { task: 'import'; file: string; out: string };

export interface TableFigures {
  seconds: number;
  cpuSeconds: number;
  /** Resident memory afterwards and at its most, MiB. */
  residentMiB: number;
  peakMiB: number;
  /** Lookups a second of processor time, by `lookupSync` and by awaiting `lookup`. */
  lookups?: { sync: number; awaited: number };
  rows?: number;
}

/**
 * Opening and asking a table of all cells of NAS-Bench-101 with three repeats, half-way values included, beside reading the same figures
 * from Parquet; and importing `tfrecord`, where one is given. Accuracies are random doubles: the widest that a table can have.
 */
export async function tables(
  tfrecord: string | undefined,
  say: (line: string) => void,
): Promise<Record<string, TableFigures>> {
  const folder = mkdtempSync(join(tmpdir(), 'rxnas-bench-'));
  try {
    const figures = randomFigures();
    const [compact, parquet] = [join(folder, 'table.arrow'), join(folder, 'table.parquet')];
    const cells = nasbench101.cells();
    const parameters = Float64Array.from(cells, (cell) => cell % 50_000_000);
    const description = { name: 'bench', summary: '', provenance: '', space: nasbench101 };
    await writeCompactTable(compact, { ...description, cells, parameters, figures });
    await writeParquet(parquet, cells, figures);
    const columns = figures
      .filter(({ point, quantity }) => point === 'end' && quantity !== 'train')
      .map(columnName);
    const found: Record<string, TableFigures> = {
      open: await run({ task: 'open', file: compact, lookups: 3_000_000 }),
      openParquet: await run({ task: 'openParquet', file: parquet, columns }),
    };
    if (tfrecord)
      found.import = await run({ task: 'import', file: tfrecord, out: join(folder, 'imported.arrow') });
    const line = (what: string, { seconds, cpuSeconds, residentMiB, peakMiB }: TableFigures) =>
      say(
        `${what.padEnd(44)} ${(1000 * cpuSeconds).toFixed(0).padStart(7)} ms of processor time, ${(1000 * seconds).toFixed(0)} ms; resident ${residentMiB.toFixed(0)} MiB, peak ${peakMiB.toFixed(0)} MiB`,
      );
    line(`open 423,624 cells (${mebibytes(compact)} MiB)`, found.open!);
    line(`baseline: the same figures from Parquet`, found.openParquet!);
    const { sync, awaited } = found.open!.lookups!;
    say(
      `look-ups a second of processor time: ${(sync / 1e6).toFixed(2)} million, awaited ${(awaited / 1e6).toFixed(2)} million`,
    );
    if (found.import) line(`import ${found.import.rows!.toLocaleString('en-US')} records`, found.import);
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const mebibytes = (file: string) => (statSync(file).size / 1024 ** 2).toFixed(0);

function randomFigures(): FigureColumn[] {
  const random = stream(1, 'bench', 'tables');
  return (['end', 'half'] as const).flatMap((point) =>
    quantities.flatMap((quantity) =>
      [1, 2, 3].map((repeat) => ({
        ...{ dataset: 'cifar10', epochs: 108, point, quantity, repeat },
        values: Float64Array.from({ length: nasbench101.size }, () => random.float()),
      })),
    ),
  );
}

async function writeParquet(
  path: string,
  cells: Uint32Array,
  figures: readonly FigureColumn[],
): Promise<void> {
  const schema = new Schema<Record<string, Uint32 | Float64>>([
    new Field('cell', new Uint32(), false),
    ...figures.map((figure) => new Field(columnName(figure), new Float64(), false)),
  ]);
  const sink = new ParquetColumnSink(path, schema);
  sink.write(
    makeBatch(schema, {
      cell: cells,
      ...Object.fromEntries(figures.map((figure) => [columnName(figure), figure.values as Float64Array])),
    }),
  );
  await sink.close();
}

async function run(task: TableTask): Promise<TableFigures> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    fileURLToPath(import.meta.url),
    JSON.stringify(task),
  ]);
  return JSON.parse(stdout);
}

async function perform(task: TableTask): Promise<TableFigures> {
  const [cpu, started] = [process.cpuUsage(), performance.now()];
  let lookups: TableFigures['lookups'];
  let rows: number | undefined;
  let seconds = Number.NaN;
  let used = cpu;
  const stop = () => {
    seconds = (performance.now() - started) / 1000;
    used = process.cpuUsage(cpu);
  };
  if (task.task === 'open') {
    const benchmark = openCompactTable(task.file);
    stop();
    lookups = await lookupRates(benchmark, task.lookups);
  } else if (task.task === 'openParquet') {
    await readParquetColumns(task.file, { numbers: ['cell', ...task.columns], texts: [] });
    stop();
  } else {
    for await (const step of importBenchmark({ from: task.file, out: task.out })) rows = step.result?.rows;
    stop();
  }
  return {
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    residentMiB: process.memoryUsage.rss() / 1024 ** 2,
    peakMiB: Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024,
    ...(lookups && { lookups }),
    ...(rows !== undefined && { rows }),
  };
}

/** Look-ups of random cells of the table. */
async function lookupRates(benchmark: ReturnType<typeof openCompactTable>, count: number) {
  const random = stream(1, 'bench', 'lookups');
  const all = benchmark.list();
  const cells = Uint32Array.from({ length: count }, () => all[random.int(all.length)]!);
  const rate = async (work: () => Promise<number>) => {
    const cpu = process.cpuUsage();
    const sum = await work();
    const { user, system } = process.cpuUsage(cpu);
    if (!(sum > 0)) throw new Error('no accuracies'); // the sum keeps the look-ups from being optimised away
    return count / ((user + system) / 1e6);
  };
  return {
    sync: await rate(async () => cells.reduce((sum, cell) => sum + benchmark.lookupSync(cell).test[0]!, 0)),
    awaited: await rate(async () => {
      let sum = 0;
      for (const cell of cells) sum += (await benchmark.lookup(cell)).test[0]!;
      return sum;
    }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await perform(JSON.parse(process.argv[2]!))));
}
