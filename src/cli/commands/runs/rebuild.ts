import { exitCode } from '../../../core/errors.js';
import { findRun, rebuildTables } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { thousands } from '../../output.js';
import { runArgument } from '../../shared.js';

export const rebuildCommand: Command = {
  usage: 'rebuild <run>',
  describe: 'Write the Parquet files of a run anew from its log',
  ...runArgument,
  examples: [['rxnas runs rebuild runs/triplet', 'the same bytes as before']],
  async run(args, output) {
    const dir = findRun(args.run, args.root);
    const rows = await rebuildTables(dir);
    output.result({ dir, rows }, () =>
      Object.entries(rows).map(([name, count]) => `${name}: ${thousands(count)} rows`),
    );
    return exitCode.ok;
  },
};
