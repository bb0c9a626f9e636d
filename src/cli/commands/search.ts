import { parse } from 'yaml';
import { usageError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { protocols } from '../../core/search/pool.js';
import { comparison, searchSpec } from '../../jobs/settings.js';
import { draws } from '../../operators/seedCells.js';
import { searchers } from '../../pipelines/searchers/index.js';
import type { Args, Command } from '../command.js';
import { presetOption, runOptions } from '../shared.js';
import { onOption, overridesOf, runRead } from '../specRun.js';
import { runSweep } from '../sweepRun.js';

export const searchCommand: Command = {
  usage: 'search',
  describe: 'Search a benchmark: with a controller, by evolution, at random, …',
  options: {
    benchmark: {
      type: 'string',
      default: 'mnist-cells5',
      describe: 'benchmark to query (rxnas benchmark list)',
    },
    searcher: {
      type: 'string',
      choices: searchers.map(({ name }) => name),
      describe: 'way of searching (rxnas list searcher); default: nao',
    },
    searchers: {
      type: 'string',
      describe: 'several side by side, compared: random,evolution,nao,nao@scratch (without the controller)',
    },
    seeds: { type: 'number', describe: 'searches of each of --searchers; default: 20' },
    workers: { type: 'number', describe: 'processes for --searchers; default: one a processor' },
    param: {
      type: 'string',
      array: true,
      describe:
        'parameter of the searcher: --param population=100; of one of several: evolution.population=100',
    },
    controller: {
      type: 'string',
      describe: 'run or checkpoint of a pretrained controller; default: a fresh one',
    },
    queries: { type: 'number', describe: 'most queries; default: 1000' },
    'budget-seconds': {
      type: 'number',
      describe: 'simulated training seconds after which no query is made; default: no limit',
    },
    protocol: {
      type: 'string',
      choices: protocols,
      describe:
        'cell that is reported: V, the best by validation (default); T, by test; oracle: the search sees test accuracies',
    },
    rounds: {
      type: 'number',
      describe: 'most rounds, the initial sample included; default: no limit',
    },
    initial: { type: 'number', describe: 'cells of the initial random sample; default: the searcher’s' },
    'per-round': { type: 'number', describe: 'new cells a round; default: the searcher’s' },
    draw: { type: 'string', choices: draws, describe: 'how random cells are drawn; default: the searcher’s' },
    epochs: { type: 'number', describe: 'nao: training epochs a round; default: 100' },
    top: { type: 'number', describe: 'best cells that new ones are made from; default: the searcher’s' },
    'train-batch': { type: 'number', describe: 'nao: cells a training step; default: 64' },
    'learning-rate': { type: 'number', describe: 'nao: learning rate of SGD; default: 0.1' },
    'freeze-encoder': { type: 'boolean', describe: 'nao: keep encoder and decoder as pretrained' },
    identity: {
      type: 'string',
      choices: ['cell', 'sequence'],
      describe: 'what counts as one query; default: cell',
    },
    preset: presetOption,
    ...onOption,
    ...runOptions,
  },
  examples: [
    ['rxnas search --controller runs/triplet', 'search the embedded benchmark with a pretrained controller'],
    ['rxnas search --searcher random --queries 200', 'the baseline'],
    [
      'rxnas search --searchers random,evolution,local,nao --controller runs/triplet --seeds 20 --queries 300',
      'searchers compared over 20 seeds',
    ],
    [
      'rxnas search --benchmark live:mnist --queries 100 --on nats://host:4222',
      'cells are trained by whoever runs rxnas worker',
    ],
    ['rxnas search --benchmark nasbench101:FILE.parquet --controller runs/triplet', 'on a table of your own'],
  ],
  stopsSafely: true,
  async run(args, output) {
    if (args.searchers !== undefined) {
      for (const flag of ['set', 'dryRun']) {
        if (args[flag] !== undefined && args[flag] !== false)
          throw usageError(
            `--${flag === 'set' ? 'set' : 'dry-run'} is for a single search`,
            'leave out --searchers',
          );
      }
      return runSweep(() => comparison(settingsOf(args)), args, output);
    }
    for (const flag of ['seeds', 'workers']) {
      if (args[flag] !== undefined)
        throw usageError(`--${flag} is for --searchers`, 'name them: --searchers random,nao');
    }
    return runRead(() => searchSpec(settingsOf(args), overridesOf(args)), args, output);
  },
};

const settingsOf = (args: Args) =>
  given({
    preset: args.preset,
    benchmark: args.benchmark,
    searcher: args.searcher,
    controller: args.controller,
    queries: args.queries,
    seconds: args.budgetSeconds,
    protocol: args.protocol,
    searchers: args.searchers && listed(args.searchers),
    seeds: args.seeds,
    searcherParams: args.param && searcherParams(args.param, args.searchers !== undefined),
    draw: args.draw,
    rounds: args.rounds,
    initial: args.initial,
    perRound: args.perRound,
    epochs: args.epochs,
    learningRate: args.learningRate,
    top: args.top,
    trainBatch: args.trainBatch,
    freezeEncoder: args.freezeEncoder,
    identity: args.identity,
    seed: args.seed,
    engine: args.engine,
    threads: args.threads,
  });

const listed = (text: string) => text.split(',').map((name) => name.trim());

/** The parameters of `NAME=VALUE`s (of several searchers: `SEARCHER.NAME=VALUE`s), values as YAML has them; else exit code 2. */
function searcherParams(given: readonly string[], several: boolean): Record<string, unknown> {
  const params: Record<string, Record<string, unknown>> = {};
  for (const text of given) {
    const [, searcher, name, value] = /^(?:([\w@-]+)\.)?(\w+)=(.+)$/s.exec(text) ?? [];
    if (name === undefined || several !== (searcher !== undefined)) {
      const form = several
        ? 'SEARCHER.NAME=VALUE: --param evolution.population=100'
        : 'NAME=VALUE: --param population=100';
      throw usageError(`--param ${text} is of another form`, `give ${form}`);
    }
    const own = searcher ?? '';
    params[own] = { ...params[own], [name]: parse(value!) };
  }
  return several ? params : { ...params[''] };
}
