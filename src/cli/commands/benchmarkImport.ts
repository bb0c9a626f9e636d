import { mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { defaultIfEmpty, lastValueFrom, takeUntil, tap } from 'rxjs';
import { officialFiles } from '../../core/benchmark/import/download.js';
import { duplicatePolicies } from '../../core/benchmark/import/importTable.js';
import type { ImportResult } from '../../core/benchmark/import/index.js';
import { scales } from '../../core/benchmark/import/scale.js';
import { importedTables, tablePath } from '../../core/benchmark/named.js';
import { exitCode, usageError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { onStorage } from '../../core/run/files.js';
import { openSpace, spaceNames } from '../../core/space/index.js';
import { type ImportBenchmarkOptions, importBenchmark } from '../../pipelines/importBenchmark.js';
import { type Args, type Command, wholeNumber } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { percent, table, thousands } from '../output.js';
import { type Progress, progressBoard } from '../progress.js';

const columns = { type: 'string', array: true } as const;

/** `rxnas benchmark import`: official files and any table into a compact one. */
export const importCommand: Command = {
  usage: 'import [file]',
  describe: 'Make a table that opens at once of NAS-Bench-101’s own file or of any table',
  positionals: {
    file: { type: 'string', describe: 'NAS-Bench-101’s .tfrecord, or a CSV, JSON, Parquet or Arrow table' },
  },
  options: {
    'from-file': { type: 'string', describe: 'the file, for those who have it: as the argument' },
    download: {
      type: 'string',
      requiresArg: false,
      choices: [...Object.keys(officialFiles), ''],
      describe: 'fetch NAS-Bench-101’s own file, going on where an earlier attempt stopped; default: only108',
    },
    space: {
      type: 'string',
      choices: [...spaceNames],
      describe: 'space of the cells; a .tfrecord needs none',
    },
    key: {
      ...columns,
      describe: 'column of the cell: hash, architecture string, index; or three of its graph',
    },
    valid: { ...columns, describe: 'column of the validation accuracy; several are repeats' },
    test: { ...columns, describe: 'column of the test accuracy; several are repeats' },
    train: { ...columns, describe: 'column of the training accuracy; several are repeats' },
    seconds: { ...columns, describe: 'column of the training time; several are repeats' },
    parameters: { type: 'string', describe: 'column of the number of trainable parameters' },
    dataset: {
      type: 'string',
      describe: 'data set of the accuracies; default: as the columns say, or cifar10',
    },
    epochs: { type: 'number', describe: 'length of the trainings; default: as the columns say' },
    scale: { type: 'string', choices: scales, default: 'auto', describe: 'unit of the accuracies' },
    duplicates: {
      type: 'string',
      choices: duplicatePolicies,
      default: 'refuse',
      describe: 'a cell that comes again with other values: an error, the first counts, or they are repeats',
    },
    'skip-unknown': { type: 'boolean', default: false, describe: 'leave out what is no cell of the space' },
    out: { type: 'string', describe: 'table to write: a file, or a name; default: the name of the space' },
  },
  examples: [
    [
      'rxnas benchmark import nasbench_only108.tfrecord',
      'all trainings of NAS-Bench-101; then: rxnas search --benchmark nasbench101',
    ],
    ['rxnas benchmark import --download only108', 'the same, fetched first (499 MB)'],
    [
      'rxnas benchmark import FILE.csv --space nasbench201 --key arch --valid val_acc --test test_acc --dataset cifar100',
      'any table',
    ],
  ],
  stopsSafely: true,
  async run(args, output) {
    const options = optionsOf(args);
    onStorage(options.out, () => mkdirSync(dirname(options.out), { recursive: true }));
    const board = progressBoard(output);
    const bars = new Map<string, Progress>();
    let result: ImportResult | undefined;
    try {
      await lastValueFrom(
        importBenchmark(options).pipe(
          takeUntil(interrupted$),
          tap(({ stage, done, total, result: last }) => {
            if (!bars.has(stage)) bars.set(stage, board.add(stage, megabytes(total), 'MB'));
            result = last;
            if (!result) bars.get(stage)!.update(megabytes(done));
          }),
          defaultIfEmpty(undefined),
        ),
      );
    } finally {
      board.stop();
    }
    if (!result) {
      output.note('stopped; no table was written');
      return exitCode.interrupted;
    }
    const imported = result;
    for (const note of notes(imported)) output.note(note);
    output.result(imported, () => report(imported));
    return exitCode.ok;
  },
};

const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;

function optionsOf(args: Args): ImportBenchmarkOptions {
  const sources = [args.file, args.fromFile, args.download].filter((source) => source !== undefined);
  if (sources.length !== 1)
    throw usageError(
      sources.length === 0 ? 'nothing to import' : 'several sources are given',
      'give one: FILE, --from-file FILE, or --download',
    );
  const { key, valid: validation, test, train, seconds, parameters, dataset, epochs } = args;
  const listed = (value: string[] | undefined) => value?.flatMap((names) => names.split(','));
  const official = officialFiles[(args.download || 'only108') as keyof typeof officialFiles];
  return {
    from: args.download === undefined ? (args.file ?? args.fromFile) : official,
    ...outOf(args),
    roles: given({
      key: listed(key),
      validation: listed(validation),
      test: listed(test),
      train: listed(train),
      seconds: listed(seconds),
      parameters,
      dataset,
      epochs: epochs === undefined ? undefined : wholeNumber('epochs', epochs, 1, 100_000),
    }),
    ...given({ space: args.space === undefined ? undefined : openSpace(args.space) }),
    scale: args.scale,
    duplicates: args.duplicates,
    skipUnknown: args.skipUnknown,
  };
}

/** A name is put where tables are found by it; what has a folder or an extension is a file. */
function outOf({ out, space = 'nasbench101' }: Args): { out: string; name: string } {
  const given: string = out ?? space;
  if (!/[/\\.]/.test(given)) return { out: tablePath(given), name: given };
  if (/\.(parquet|csv|json|tfrecord)$/i.test(given))
    throw usageError(
      `--out ${given}: the table is an Arrow file`,
      `name it so: ${given.replace(/\.\w+$/, '.arrow')}`,
    );
  return { out: given, name: basename(given).replace(/\.\w+$/, '') };
}

/** What is not as it might be expected. */
function notes({ repairs, published, missingRepeats, missingCells, source, space }: ImportResult): string[] {
  return [
    ...repairs.map((repair) => `note: ${repair}`),
    ...published.flatMap(({ what, published: right, found, agrees }) =>
      agrees ? [] : [`note: ${what} is ${percent(found)}, published is ${percent(right)}`],
    ),
    ...(missingRepeats > 0
      ? [`note: ${thousands(missingRepeats)} trainings are missing: was the file cut between two of them?`]
      : []),
    ...(source.format === 'tfrecord' && missingCells === 0 && !source.official
      ? [`note: by its SHA-256 ${source.file} is none of the published files`]
      : []),
    ...(missingCells > 0 ? [`note: ${thousands(missingCells)} cells of ${space} are not in it`] : []),
  ];
}

function report(result: ImportResult): string[] {
  const { cells, rows, duplicates, unknown, missingRepeats, groups, published, source } = result;
  const accuracy = (value: number) => (Number.isNaN(value) ? '–' : percent(value));
  const reference = importedTables().get(result.name) === result.table ? result.name : result.table;
  return [
    `${thousands(cells)} cells of ${result.space} from ${thousands(rows)} ${source.format === 'tfrecord' ? 'records' : 'rows'}${source.official ? ` of the published ${source.official}` : ''}`,
    `  duplicates ${thousands(duplicates)}, unknown cells ${thousands(unknown)}, missing repeats ${thousands(missingRepeats)}`,
    ...table(
      [
        '  data set',
        'epochs',
        'repeats',
        'best test',
        'mean test',
        'best validation',
        'mean validation',
        'half-way',
      ],
      groups.map((group) => [
        `  ${group.dataset}`,
        group.epochs || '–',
        group.repeats,
        accuracy(group.bestTest),
        accuracy(group.meanTest),
        accuracy(group.bestValidation),
        accuracy(group.meanValidation),
        group.halfway ? 'yes' : 'no',
      ]),
    ),
    ...published
      .filter(({ agrees }) => agrees)
      .map(({ what, published: right }) => `  as published: ${what}, ${percent(right)}`),
    ...Object.entries(result.columns).map(([column, what]) => `  ${column}: ${what}`),
    `table: ${result.table}`,
    `next: rxnas search --benchmark ${reference}`,
  ];
}
