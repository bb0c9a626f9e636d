import { exportProjector } from '../../analytics/projector.js';
import { exitCode, usageError } from '../../core/errors.js';
import { exportFormats, exportTable, tableNames } from '../../core/run/index.js';
import type { Command } from '../command.js';
import { thousands } from '../output.js';

export const exportCommand: Command = {
  usage: 'export <table>',
  describe: 'Write a table of a run to a Parquet, Arrow or CSV file, or its embeddings for the projector',
  positionals: { table: { type: 'string', choices: tableNames, demandOption: true, describe: 'which rows' } },
  options: {
    run: { type: 'string', demandOption: true, describe: 'folder of the run' },
    format: {
      type: 'string',
      choices: [...exportFormats, 'projector'],
      default: 'parquet',
      describe: 'file format; projector: files for TensorBoard',
    },
    out: {
      type: 'string',
      describe:
        'file; default: <table>.<format> in the current folder; of the projector a folder, default: projector',
    },
  },
  examples: [
    [
      'rxnas export embeddings --run runs/cells --format projector --out board',
      'for tensorboard --logdir board',
    ],
    ['rxnas export embeddings --run runs/triplet --format arrow', 'embeddings.arrow'],
    ['rxnas export queries --run runs/search --format csv --out q.csv', 'every query with its accuracies'],
  ],
  async run(args, output) {
    const isProjector = args.format === 'projector';
    if (isProjector && args.table !== 'embeddings') {
      throw usageError(`--format projector is not for ${args.table}`, 'it shows embeddings');
    }
    const out = args.out ?? (isProjector ? 'projector' : `${args.table}.${args.format}`);
    const { file, rows } = await (isProjector
      ? exportProjector(args.run, out)
      : exportTable(args.run, args.table, args.format, out));
    output.result(
      { table: args.table, format: args.format, file, rows },
      () => `${thousands(rows)} rows in ${file}`,
    );
    return exitCode.ok;
  },
};
