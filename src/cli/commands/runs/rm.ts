import { basename } from 'node:path';
import { exitCode, usageError } from '../../../core/errors.js';
import { findRun, removeRun, runBytes } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { rootOption } from '../../shared.js';
import { sizeOf } from './figures.js';

export const rmCommand: Command = {
  usage: 'rm <runs..>',
  describe: 'Remove runs with all their files; refused while a process writes one',
  positionals: { runs: { type: 'string', array: true, demandOption: true, describe: 'runs' } },
  options: rootOption,
  examples: [['rxnas runs rm runs/first-try runs/second-try', 'two runs; there is no way back']],
  async run(args, output) {
    const dirs: string[] = args.runs.map((name: string) => {
      const dir = findRun(name, args.root);
      if (name !== dir && name !== basename(dir)) {
        throw usageError(
          `'${name}' is a part of the name ${basename(dir)}`,
          'to remove a run, give its whole name',
        );
      }
      return dir;
    });
    let bytes = 0;
    for (const dir of dirs) {
      const size = runBytes(dir);
      removeRun(dir);
      bytes += size;
    }
    output.result({ removed: dirs, bytes }, () => `removed ${dirs.join(', ')}: ${sizeOf(bytes)}`);
    return exitCode.ok;
  },
};
