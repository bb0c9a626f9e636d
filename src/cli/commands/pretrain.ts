import { given } from '../../core/given.js';
import { losses } from '../../core/losses/index.js';
import { spaceNames } from '../../core/space/index.js';
import { pretrainSpec } from '../../jobs/settings.js';
import type { Args, Command } from '../command.js';
import { presetOption, runOptions } from '../shared.js';
import { overridesOf, runRead } from '../specRun.js';

export const pretrainCommand: Command = {
  usage: 'pretrain',
  describe: 'Pretrain a controller without accuracies, by locality',
  options: {
    space: {
      type: 'string',
      default: 'nasbench101',
      describe: `search space: ${spaceNames.join(', ')}`,
    },
    loss: {
      type: 'string',
      default: 'MultiSimilarity',
      describe: `metric loss: ${losses.map(({ name }) => name).join(', ')}`,
    },
    miner: { type: 'string', describe: 'miner; default: the one that the paper pairs with the loss' },
    weight: { type: 'number', describe: 'weight of the metric loss; default: the paper’s' },
    'reconstruction-weight': { type: 'number', describe: 'weight of the reconstruction loss; default: 1' },
    batch: { type: 'number', describe: 'cells a step, a multiple of 8; default: the paper’s for the loss' },
    steps: { type: 'number', describe: 'steps; default: all of the epochs' },
    epochs: { type: 'number', describe: 'passes over the space; default: 2' },
    preset: presetOption,
    'learning-rate': { type: 'number', describe: 'learning rate of SGD; default: the paper’s for the loss' },
    'clip-norm': { type: 'number', describe: 'largest gradient norm; default: no clipping' },
    embed: {
      type: 'number',
      default: 4096,
      describe: 'random cells whose embeddings are written at the end',
    },
    'on-collapse': {
      type: 'string',
      choices: ['warn', 'stop', 'ignore'],
      default: 'warn',
      describe: 'what a collapse of the embeddings does',
    },
    'checkpoint-every': { type: 'number', default: 500, describe: 'steps between checkpoints' },
    ...runOptions,
  },
  examples: [
    ['rxnas pretrain --steps 1000', 'a thousand steps with MultiSimilarity'],
    [
      'rxnas pretrain --loss TripletMargin --seed 7 --out runs/triplet',
      'all of two epochs, into a folder of your choice',
    ],
    ['rxnas resume runs/triplet', 'go on with it after it was stopped; so does the same command again'],
  ],
  stopsSafely: true,
  run: (args, output) => runRead(() => pretrainSpec(settingsOf(args), overridesOf(args)), args, output),
};

const settingsOf = (args: Args) =>
  given({
    preset: args.preset,
    space: args.space,
    loss: args.loss,
    miner: args.miner,
    weight: args.weight,
    reconstructionWeight: args.reconstructionWeight,
    batch: args.batch,
    steps: args.steps,
    epochs: args.epochs,
    learningRate: args.learningRate,
    clipNorm: args.clipNorm,
    embed: args.embed,
    onCollapse: args.onCollapse,
    checkpointEvery: args.checkpointEvery,
    seed: args.seed,
    engine: args.engine,
    threads: args.threads,
  });
