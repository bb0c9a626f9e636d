import { findRun, readManifest } from '../../core/run/index.js';
import { jobKind } from '../../jobs/kinds.js';
import type { Command } from '../command.js';
import { runArgument } from '../shared.js';
import { pretrainCommand } from './pretrain.js';
import { searchCommand } from './search.js';
import { sweep } from './sweep.js';

const commands = { pretrain: pretrainCommand.run!, search: searchCommand.run!, sweep };

export const resumeCommand: Command = {
  usage: 'resume <run>',
  describe: 'Go on with a run that was stopped, to the bits it would have had',
  ...runArgument,
  examples: [
    ['rxnas resume runs/triplet', 'whether it was stopped by Ctrl-C, kill -9 or a full disk'],
    ['rxnas resume latest', 'the newest run in runs/'],
  ],
  stopsSafely: true,
  async run(args, output) {
    const dir = findRun(args.run, args.root);
    const { name } = jobKind(readManifest(dir));
    return commands[name]({ ...args, resume: dir }, output);
  },
};
