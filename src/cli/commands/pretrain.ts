import { type ExitCode, exitCode } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { losses } from '../../core/losses/index.js';
import { readManifest } from '../../core/run/index.js';
import { spaceNames } from '../../core/space/index.js';
import { settingsOfRun } from '../../jobs/kinds.js';
import { withPreset } from '../../jobs/presets.js';
import {
  type PretrainResult,
  pretrainJob,
  resolvePretrain,
  resumePretrain,
  totalSteps,
} from '../../jobs/pretrain.js';
import type { StepRow } from '../../operators/lossStep.js';
import type { Args, Command } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import type { Output } from '../output.js';
import { type Progress, progressBoard } from '../progress.js';
import { again, presetOption, runOptions } from '../shared.js';

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
  async run(args, output) {
    const before = again(args, output, 'pretrain', () => settingsOf(args));
    if ('code' in before) return before.code;
    const { resume } = before;
    const board = progressBoard(output);
    let bar: Progress | undefined;
    const options = {
      ...given({ out: args.out, tags: args.tag, note: args.note }),
      stop: interrupted$,
      onNote: output.note,
      onRow(row: StepRow) {
        bar?.update(row.step + 1, `loss ${row.total.toFixed(3)}`);
      },
    };
    const settings = resume ? settingsOfRun(readManifest(resume)) : settingsOf(args);
    const total = totalSteps(resolvePretrain(settings));
    bar = board.add('pretrain', total, 'steps');
    try {
      const result = resume ? await resumePretrain(resume, options) : await pretrainJob(settings, options);
      board.stop();
      return report(result, output);
    } finally {
      board.stop();
    }
  },
};

function settingsOf(args: Args): Record<string, unknown> {
  return withPreset(
    'pretrain',
    args.preset,
    given({
      space: args.space,
      loss: args.loss,
      miner: args.miner,
      weight: args.weight,
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
    }),
  );
}

function report(result: PretrainResult, output: Output): ExitCode {
  const { dir, status, steps, total, last } = result;
  output.result({ dir, status, steps, total, ...(last && { last }) }, () => [
    `pretrained ${steps} of ${total} steps${last ? `: reconstruction ${last.reconstruction.toFixed(4)}, metric ${last.metric.toFixed(4)}` : ''}`,
    `run: ${dir}`,
    status === 'done' ? `next: rxnas search --controller ${dir}` : `stopped; go on with: rxnas resume ${dir}`,
  ]);
  return status === 'done' ? exitCode.ok : exitCode.interrupted;
}
