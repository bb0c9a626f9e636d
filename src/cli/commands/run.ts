import { presetNames } from '../../core/spec/load.js';
import { readSpecFile } from '../../pipelines/fromSpec/index.js';
import type { Command } from '../command.js';
import { onOption, overridesOf, runRead, specOptions } from '../specRun.js';

export const runCommand: Command = {
  usage: 'run <spec>',
  describe: 'Run a pipeline that is declared in a YAML or JSON file, or a preset',
  positionals: {
    spec: { type: 'string', demandOption: true, describe: `file, or preset: ${presetNames().join(', ')}` },
  },
  options: { ...specOptions, ...onOption },
  examples: [
    ['rxnas run my.yaml', 'checked first; the first error is named by file, line and column'],
    ['rxnas run pretrain --set batch.rows=256 --set seed=7', 'a preset with some fields of your own'],
    ['rxnas run my.yaml --dry-run', 'with all that it leaves open filled in, and its hash'],
  ],
  stopsSafely: true,
  run: (args, output) => runRead(() => readSpecFile(args.spec, { set: overridesOf(args) }), args, output),
};
