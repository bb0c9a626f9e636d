import { exitCode } from '../../../core/errors.js';
import { unpackRun } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { rootOption } from '../../shared.js';

export const unpackCommand: Command = {
  usage: 'unpack <file>',
  describe: 'Make a run of a packed file again; its log and checkpoints are checked',
  positionals: { file: { type: 'string', demandOption: true, describe: 'file written by pack' } },
  options: {
    ...rootOption,
    out: {
      type: 'string',
      describe: 'folder of the run; default: of its own name in the folder of all runs',
    },
  },
  examples: [['rxnas runs unpack triplet.tar', 'the run in runs/']],
  async run(args, output) {
    const dir = await unpackRun(args.file, args.out === undefined ? { root: args.root } : { out: args.out });
    output.result({ dir }, () => `run: ${dir}`);
    return exitCode.ok;
  },
};
