import { rowsOf } from '../../../core/batch/index.js';
import { exitCode, usageError } from '../../../core/errors.js';
import { findRun, type JsonValue, openRun, type StoredRun } from '../../../core/run/index.js';
import { differences } from '../../../jobs/kinds.js';
import type { Command } from '../../command.js';
import { table } from '../../output.js';
import { rootOption } from '../../shared.js';
import { specOf } from './figures.js';

/** Points of a curve in the comparison. */
const points = 10;

export const compareCommand: Command = {
  usage: 'compare <runs..>',
  describe: 'Settings that differ, final figures and curves of runs side by side',
  positionals: {
    runs: { type: 'string', array: true, demandOption: true, describe: 'two runs or more' },
  },
  options: rootOption,
  examples: [
    ['rxnas runs compare runs/triplet runs/angular', 'two pretrainings'],
    ['rxnas runs compare nao-1 random-1 --json', 'two searches, for programs'],
  ],
  async run(args, output) {
    if (args.runs.length < 2) throw usageError('one run is no comparison', 'give two runs or more');
    const runs: StoredRun[] = args.runs.map((name: string) => openRun(findRun(name, args.root)));
    const settings = differences(runs.map(({ manifest }) => specOf(manifest)));
    const figures = union(runs.map(({ manifest }) => manifest.summary ?? {}));
    const curves = runs.map(curveOf);
    const names = runs.map(({ manifest }) => manifest.id);
    const grid = gridOf(curves);
    const data = { runs: runs.map(({ dir }) => dir), settings, figures, curves };
    output.result(data, () => [
      ...(settings.length === 0
        ? ['the settings are the same']
        : table(
            ['setting', ...names],
            settings.map(({ name, values }) => [name, ...values.map(text)]),
          )),
      '',
      ...table(
        ['figure', ...names],
        figures.map(({ name, values }) => [name, ...values.map(text)]),
      ),
      '',
      ...table(
        [curves[0]!.of, ...names.map((name, i) => `${name} ${curves[i]!.column}`)],
        grid.map((at) => [at, ...curves.map(({ values }) => upTo(values, at))]),
      ),
    ]);
    return exitCode.ok;
  },
};

interface Curve {
  /** What the curve runs over, and which column it shows. */
  of: 'step' | 'query';
  column: 'total' | 'best_test';
  /** Pairs of step and value; of a long run, every so many. */
  values: [number, number][];
}

/** Loss over steps of a pretraining, test accuracy of the best cell over queries of a search. */
function curveOf(run: StoredRun): Curve {
  const [of, column] =
    run.manifest.kind === 'pretrain' ? (['step', 'total'] as const) : (['query', 'best_test'] as const);
  const all: [number, number][] = [];
  for (const { batch } of run.records({ events: [of] })) {
    for (const row of rowsOf(batch) as Iterable<Record<string, number>>) all.push([row[of]!, row[column]!]);
  }
  const every = Math.max(1, Math.ceil(all.length / 500));
  return { of, column, values: all.filter((_, i) => i % every === 0 || i === all.length - 1) };
}

function gridOf(curves: readonly Curve[]): number[] {
  const last = Math.max(0, ...curves.map(({ values }) => values.at(-1)?.[0] ?? 0));
  const grid = Array.from({ length: points }, (_, i) => Math.round((last * (i + 1)) / points));
  return [...new Set(grid)];
}

/** The newest value at `at`; a dash behind the curve's end. */
function upTo(values: readonly [number, number][], at: number): string {
  const index = values.findLastIndex(([step]) => step <= at);
  return index < 0 || (index === values.length - 1 && values[index]![0] < at)
    ? '–'
    : values[index]![1].toFixed(4);
}

function union(objects: readonly Record<string, JsonValue>[]) {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  return names.map((name) => ({ name, values: objects.map((object) => object[name]) }));
}

function text(value: JsonValue | undefined): string {
  if (value === undefined) return '–';
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toPrecision(6);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
