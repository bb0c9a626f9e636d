import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { exitCode, usageError } from '../../core/errors.js';
import { replaceFile } from '../../core/run/index.js';
import { createSpec } from '../../core/spec/create.js';
import { builtIns } from '../../pipelines/builtIns.js';
import type { Command } from '../command.js';

export const createCommand: Command = {
  usage: 'create <stages>',
  describe: 'Write a spec to start from, with every parameter explained',
  positionals: {
    stages: {
      type: 'string',
      demandOption: true,
      describe: 'names in their order, with / between sources, operators and training, and commas',
    },
  },
  options: { out: { type: 'string', describe: 'file to write; default: stdout' } },
  examples: [
    ['rxnas create anchors/mutate,batch/mine,loss --out my.yaml', 'a pretraining of your own'],
    ['rxnas create replay/average,write', 'the rows of an earlier run, averaged, in a file'],
  ],
  async run({ stages, out }, output) {
    const text = createSpec(stages, builtIns);
    if (out !== undefined) {
      if (existsSync(out)) throw usageError(`${out} exists already`, 'give another file with --out');
      await replaceFile(resolve(out), text);
    }
    output.result({ spec: text, ...(out !== undefined && { out }) }, () =>
      out === undefined ? text.trimEnd() : [`spec: ${out}`, `next: rxnas lint ${out}; rxnas run ${out}`],
    );
    return exitCode.ok;
  },
};
