import { findRun, readManifest } from '../../core/run/index.js';
import { isSweep, sweepOfRun } from '../../jobs/kinds.js';
import type { Command } from '../command.js';
import { runArgument } from '../shared.js';
import { onOption, resumeRead } from '../specRun.js';
import { runSweep } from '../sweepRun.js';

export const resumeCommand: Command = {
  usage: 'resume <run>',
  describe: 'Go on with a run that was stopped, to the bits it would have had',
  ...runArgument,
  options: { ...runArgument.options, ...onOption },
  examples: [
    ['rxnas resume runs/triplet', 'whether it was stopped by Ctrl-C, kill -9 or a full disk'],
    ['rxnas resume latest', 'the newest run in runs/'],
  ],
  stopsSafely: true,
  async run(args, output) {
    const dir = findRun(args.run, args.root);
    return isSweep(readManifest(dir))
      ? runSweep(() => sweepOfRun(readManifest(dir)), { ...args, resume: dir }, output)
      : resumeRead(dir, args, output);
  },
};
