import { basename, resolve } from 'node:path';
import { dataError, exitCode, usageError } from '../../../core/errors.js';
import { given } from '../../../core/given.js';
import { findRun, type JsonValue, openRun, replaceFile, type StoredRun } from '../../../core/run/index.js';
import { differences } from '../../../core/spec/differences.js';
import { type Curve, curveOf, curvesPlot, valuesAt } from '../../../report/curves.js';
import { rangeOf, sparkline } from '../../../report/sparkline.js';
import { renderSvg } from '../../../report/svg.js';
import type { Command } from '../../command.js';
import { table } from '../../output.js';
import { rootOption } from '../../shared.js';
import { specOf } from './figures.js';

/** Figures of a curve in the comparison. */
const points = 10;
/** Characters of a curve that is drawn as text. */
const width = 60;

type NamedCurve = Curve & { name: string };

export const compareCommand: Command = {
  usage: 'compare <runs..>',
  describe: 'Settings that differ, final figures and curves of runs side by side',
  positionals: {
    runs: { type: 'string', array: true, demandOption: true, describe: 'two runs or more' },
  },
  options: {
    ...rootOption,
    plot: { type: 'string', describe: 'draw the curves into this SVG file' },
  },
  examples: [
    ['rxnas runs compare runs/triplet runs/angular --plot curves.svg', 'two pretrainings, also as a plot'],
    ['rxnas runs compare nao-1 random-1 --json', 'two searches, for programs'],
  ],
  async run(args, output) {
    if (args.runs.length < 2) throw usageError('one run is no comparison', 'give two runs or more');
    if (args.plot !== undefined && !args.plot.endsWith('.svg')) {
      throw usageError(`--plot ${args.plot} is no SVG file`, 'name a file that ends in .svg');
    }
    const runs: StoredRun[] = args.runs.map((name: string) => openRun(findRun(name, args.root)));
    const settings = differences(runs.map(({ manifest }) => specOf(manifest)));
    const figures = union(runs.map(({ manifest }) => manifest.summary ?? {}));
    const names = namesOf(runs);
    const curves: NamedCurve[] = runs.map((run, i) => ({ name: names[i]!, ...curveOf(run) }));
    const plot: string | undefined = args.plot;
    if (plot !== undefined) {
      if (curves.every(({ values }) => values.length === 0)) {
        throw dataError('the runs have logged nothing to draw', 'leave out --plot');
      }
      await replaceFile(resolve(plot), await renderSvg(curvesPlot(curves)));
    }
    const data = { runs: runs.map(({ dir }) => dir), settings, figures, curves, ...given({ plot }) };
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
      ...curveLines(curves.filter(({ of }) => of === 'step')),
      ...curveLines(curves.filter(({ of }) => of === 'query')),
      ...(plot === undefined ? [] : ['', `plot: ${plot}`]),
    ]);
    return exitCode.ok;
  },
};

/** What the runs are called: by their folders; where two are called the same, by their places. */
function namesOf(runs: readonly StoredRun[]): string[] {
  const names = runs.map(({ dir }) => basename(dir));
  return runs.map(({ dir }, i) =>
    names.indexOf(names[i]!) === names.lastIndexOf(names[i]!) ? names[i]! : dir,
  );
}

/** So many places from the first of a curve to the end of the longest one. */
function gridOf(curves: readonly Curve[], count: number): number[] {
  const last = Math.max(0, ...curves.map(({ values }) => values.at(-1)?.[0] ?? 0));
  const grid = Array.from({ length: count }, (_, i) => Math.round((last * (i + 1)) / count));
  return [...new Set(grid)];
}

/** The curves over the same thing in figures, and each as a line of text, all of the same scale. */
function curveLines(curves: readonly NamedCurve[]): string[] {
  const [first] = curves;
  if (!first) return [];
  const figures = gridOf(curves, points);
  const rows = curves.map((curve) => valuesAt(curve, figures));
  const shown = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(4));
  const fine = gridOf(curves, width);
  const lines = curves.map((curve) => valuesAt(curve, fine));
  const range = rangeOf(lines.flat());
  return [
    '',
    ...table(
      [first.of, ...curves.map(({ name, column }) => `${name} ${column}`)],
      figures.map((at, i) => [at, ...rows.map((row) => shown(row[i]!))]),
    ),
    '',
    `${first.column} over ${first.of}, from ${shown(range[0])} (▁) to ${shown(range[1])} (█)`,
    ...table(
      ['', ''],
      curves.map(({ name }, i) => [name, sparkline(lines[i]!, range)]),
    ).slice(1),
  ];
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
