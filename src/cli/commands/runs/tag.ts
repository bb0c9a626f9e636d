import { exitCode } from '../../../core/errors.js';
import { describeRun, findRun } from '../../../core/run/index.js';
import type { Command } from '../../command.js';
import { runArgument } from '../../shared.js';

export const tagCommand: Command = {
  usage: 'tag <run> <tags..>',
  describe: 'Give a run tags, or take them away',
  positionals: {
    ...runArgument.positionals,
    tags: { type: 'string', array: true, demandOption: true, describe: 'tags' },
  },
  options: {
    ...runArgument.options,
    remove: { type: 'boolean', default: false, describe: 'take these tags away' },
  },
  complete: runArgument.complete,
  examples: [
    ['rxnas runs tag runs/triplet paper figure-4', 'two tags'],
    ['rxnas runs tag runs/triplet paper --remove', 'one less'],
  ],
  async run(args, output) {
    const dir = findRun(args.run, args.root);
    const given: string[] = args.tags.map(String);
    const { tags } = await describeRun(dir, (manifest) => ({
      tags: args.remove
        ? manifest.tags.filter((tag) => !given.includes(tag))
        : [...new Set([...manifest.tags, ...given])],
    }));
    output.result({ dir, tags }, () => `${dir}: ${tags.join(' ') || 'no tags'}`);
    return exitCode.ok;
  },
};
