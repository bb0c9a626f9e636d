import { exitCode } from '../../core/errors.js';
import { exportFormats, exportTable, tableNames } from '../../core/run/index.js';
import type { Command } from '../command.js';
import { thousands } from '../output.js';

export const exportCommand: Command = {
  usage: 'export <table>',
  describe: 'Write a table of a run to a Parquet, Arrow or CSV file',
  positionals: { table: { type: 'string', choices: tableNames, demandOption: true, describe: 'which rows' } },
  options: {
    run: { type: 'string', demandOption: true, describe: 'folder of the run' },
    format: { type: 'string', choices: exportFormats, default: 'parquet', describe: 'file format' },
    out: { type: 'string', describe: 'file; default: <table>.<format> in the current folder' },
  },
  examples: [
    ['rxnas export embeddings --run runs/triplet --format arrow', 'embeddings.arrow'],
    ['rxnas export queries --run runs/search --format csv --out q.csv', 'every query with its accuracies'],
  ],
  async run(args, output) {
    const out = args.out ?? `${args.table}.${args.format}`;
    const { file, rows } = await exportTable(args.run, args.table, args.format, out);
    output.result(
      { table: args.table, format: args.format, file, rows },
      () => `${thousands(rows)} rows in ${file}`,
    );
    return exitCode.ok;
  },
};
