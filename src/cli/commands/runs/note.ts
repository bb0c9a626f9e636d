import { exitCode } from '../../../core/errors.js';
import { describeRun, findRun } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { runArgument } from '../../shared.js';

export const noteCommand: Command = {
  usage: 'note <run> <text>',
  describe: 'Say something about a run; replaces what was said before',
  positionals: {
    ...runArgument.positionals,
    text: { type: 'string', demandOption: true, describe: 'the remark' },
  },
  options: runArgument.options,
  complete: runArgument.complete,
  examples: [['rxnas runs note latest "with the old learning rate"', 'shown by `rxnas runs show`']],
  async run(args, output) {
    const dir = findRun(args.run, args.root);
    const { note } = await describeRun(dir, () => ({ note: args.text }));
    output.result({ dir, note }, () => `${dir}: ${note}`);
    return exitCode.ok;
  },
};
