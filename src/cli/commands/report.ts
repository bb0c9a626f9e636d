import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { exitCode, usageError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { findRun, openRun, replaceFile } from '../../core/run/index.js';
import { renderPage } from '../../report/renderPage.js';
import { reportData } from '../../report/reportData.js';
import type { Command } from '../command.js';
import { rootOption, runArgument } from '../shared.js';
import { sizeOf } from './runs/figures.js';

export const reportCommand: Command = {
  usage: 'report <runs..>',
  describe:
    'Runs as one HTML file: summary, curves, stage timings, spec; opens in any browser, without a network',
  complete: runArgument.complete,
  positionals: {
    runs: { type: 'string', array: true, demandOption: true, describe: 'runs: folders, names, or latest' },
  },
  options: {
    out: { type: 'string', default: 'report.html', describe: 'the file to write' },
    title: { type: 'string', describe: 'heading of the page; default: the name of the run' },
    ...rootOption,
  },
  examples: [
    ['rxnas report latest', 'the newest run, into report.html'],
    ['rxnas report nao-1 nao-2 random-1 --out searches.html', 'searches with one another'],
  ],
  async run(args, output) {
    if (!args.out.endsWith('.html')) {
      throw usageError(`--out ${args.out} is no HTML file`, 'name a file that ends in .html');
    }
    const runs = args.runs.map((name: string) => openRun(findRun(name, args.root)));
    const model = reportData(runs, given({ title: args.title as string | undefined }));
    const file = resolve(args.out);
    await replaceFile(file, renderPage(model));
    const bytes = statSync(file).size;
    output.result({ file, bytes }, () => `report: ${args.out}, ${sizeOf(bytes)}`);
    return exitCode.ok;
  },
};
