import { extname, resolve } from 'node:path';
import { exitCode, usageError } from '../../core/errors.js';
import { replaceFile } from '../../core/run/index.js';
import { drawFigure } from '../../jobs/figures/index.js';
import { figureName, figureNames, figures } from '../../report/figures/index.js';
import { writeFigureTable } from '../../report/figureTable.js';
import { renderPng } from '../../report/png.js';
import { renderSvg } from '../../report/svg.js';
import { themeNames, themeOf } from '../../report/theme.js';
import { type Command, wholeNumber } from '../command.js';
import { table } from '../output.js';
import { engineOptions, rootOption, runOrCheckpoint } from '../shared.js';

/** A file's ending, which must be one of these. */
function ending<E extends string>(flag: string, file: string, endings: readonly E[]): E {
  const found = endings.find((each) => extname(file) === each);
  if (found) return found;
  throw usageError(
    `--${flag} ${file} does not end in ${endings.join(' or ')}`,
    `for example --${flag} figure${endings[0]}`,
  );
}

export const plotCommand: Command = {
  usage: 'plot [runs..]',
  describe: 'Draw a figure as SVG or PNG: those of the paper, and of runs; without --figure: which there are',
  positionals: {
    runs: {
      type: 'string',
      array: true,
      describe: 'runs, by folder or name; for embeddings also checkpoints',
    },
  },
  options: {
    figure: { type: 'string', describe: figureNames.join(', ') },
    out: { type: 'string', describe: 'file, .svg or .png; default: <figure>.svg' },
    data: { type: 'string', describe: 'write the figures behind it as well, .csv or .parquet' },
    theme: { type: 'string', default: 'light', describe: themeNames.join(' or ') },
    space: { type: 'string', default: 'nasbench101', describe: 'space of the figure distances' },
    benchmark: { type: 'string', describe: 'benchmark of the figure accuracy-distance' },
    cells: { type: 'number', default: 4096, describe: 'random cells' },
    pairs: { type: 'number', default: 100_000, describe: 'random pairs' },
    seed: { type: 'number', default: 1, describe: 'seed of the sample' },
    ...rootOption,
    ...engineOptions,
  },
  examples: [
    ['rxnas plot --figure distances --out 1a.svg', 'edit distances between random cells, beside the paper’s'],
    ['rxnas plot --figure accuracy-distance --benchmark mnist-cells5', 'locality: figure 1b on a benchmark'],
    [
      'rxnas plot runs/ms runs/nometric --figure embedding-distance --out 1c.png',
      'several controllers in one plot',
    ],
    [
      'rxnas plot runs/search-1 runs/search-2 --figure curves --data curves.csv',
      'and its figures as a table',
    ],
  ],
  async run(args, output) {
    if (args.figure === undefined) {
      output.result(
        figureNames.map((name) => ({ name, summary: figures[name].summary, paper: figures[name].paper })),
        () =>
          table(
            ['figure', 'paper', 'shows'],
            figureNames.map((name) => [name, figures[name].paper ?? '', figures[name].summary]),
          ),
      );
      return exitCode.ok;
    }
    // What is wrong with the flags is said before anything is computed.
    const name = figureName(args.figure);
    const theme = themeOf(args.theme);
    const out: string = args.out ?? `${name}.svg`;
    const format = ending('out', out, ['.svg', '.png']);
    if (args.data !== undefined) ending('data', args.data, ['.csv', '.parquet']);
    const { description, rows, spec } = await drawFigure(name, {
      runs: ((args.runs ?? []) as string[]).map((run) => runOrCheckpoint(run, args.root)),
      cells: wholeNumber('cells', args.cells, 100, 10_000_000),
      pairs: wholeNumber('pairs', args.pairs, 100),
      ...{ space: args.space, benchmark: args.benchmark, seed: args.seed },
      ...{ engine: args.engine, threads: args.threads },
    });
    const svg = await renderSvg(spec(theme), theme);
    await replaceFile(resolve(out), format === '.png' ? await renderPng(svg) : svg);
    if (args.data !== undefined) await writeFigureTable(resolve(args.data), rows);
    output.result({ figure: name, out, data: args.data, description, rows }, () => [
      description,
      `figure: ${out}${args.data === undefined ? '' : `, data: ${args.data}`}`,
    ]);
    return exitCode.ok;
  },
};
