import { exitCode } from '../../../core/errors.js';
import { findRun, packRun } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { runArgument } from '../../shared.js';
import { sizeOf } from './figures.js';

export const packCommand: Command = {
  usage: 'pack <run> <file>',
  describe: 'Write a run into one file (tar), to be unpacked elsewhere',
  positionals: {
    ...runArgument.positionals,
    file: { type: 'string', demandOption: true, describe: 'file to write; an older one is replaced' },
  },
  options: runArgument.options,
  complete: runArgument.complete,
  examples: [['rxnas runs pack runs/triplet triplet.tar', 'manifest, log, checkpoints and tables']],
  async run(args, output) {
    const packed = await packRun(findRun(args.run, args.root), args.file);
    output.result(packed, () => `${packed.files} files in ${packed.file}: ${sizeOf(packed.bytes)}`);
    return exitCode.ok;
  },
};
