import { engineNames } from '../../core/engine/index.js';
import { type ExitCode, exitCode, usageError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import { findRun, readManifest } from '../../core/run/index.js';
import { protocols } from '../../core/search/pool.js';
import { presetNames } from '../../core/spec/load.js';
import { specHash, specYaml } from '../../core/spec/resolved.js';
import { sweepOfRun } from '../../jobs/kinds.js';
import { sweepSpec } from '../../jobs/settings.js';
import { sweepStanding } from '../../jobs/sweep/standing.js';
import { resolvedSweep } from '../../pipelines/fromSpec/sweep.js';
import { type Args, type Command, wholeNumber } from '../command.js';
import type { Output } from '../output.js';
import { onOption, overridesOf, specOptions } from '../specRun.js';
import { sweepMarkdown } from '../sweepReport.js';
import { runSweep } from '../sweepRun.js';

export const sweepCommand: Command = {
  usage: 'sweep [spec]',
  describe:
    'Pretrain and search with many losses and seeds, side by side, and compare (table1: the paper’s Table 1)',
  positionals: { spec: { type: 'string', describe: 'file of a sweep, or table1' } },
  options: {
    losses: { type: 'string', describe: 'these losses only, or others: MultiSimilarity,NoMetric' },
    seeds: { type: 'number', describe: 'pretrainings of each variant; default: the sweep’s' },
    'search-seeds': { type: 'number', describe: 'searches on each pretraining; default: the sweep’s' },
    seed: { type: 'number', describe: 'seed of the first pretraining' },
    benchmark: { type: 'string', describe: 'benchmark to query; its space is pretrained on' },
    queries: { type: 'number', describe: 'most queries of each search' },
    rounds: { type: 'number', describe: 'most rounds of each search, the initial sample included' },
    protocol: {
      type: 'string',
      choices: protocols,
      describe:
        'cell that is reported: V, the best by validation; T, by test; oracle: searches see test accuracies',
    },
    steps: { type: 'number', describe: 'steps of each pretraining; default: all of its epochs' },
    engine: {
      type: 'string',
      choices: ['auto', ...engineNames],
      describe: 'what computes the controllers; default: the sweep’s, else auto',
    },
    threads: { type: 'number', describe: 'threads of each unit; default: 1' },
    workers: { type: 'number', describe: 'processes; default: one a processor' },
    reuse: {
      type: 'string',
      array: true,
      describe: 'folder with finished pretrainings (pretrain-LOSS-SEED), which are taken instead of made',
    },
    status: { type: 'string', describe: 'how far this sweep is, and what is finished; runs nothing' },
    ...specOptions,
    ...onOption,
  },
  examples: [
    ['rxnas sweep table1 --benchmark nasbench101:FILE.parquet --out runs/table1', 'Table 1 of the paper'],
    [
      'rxnas sweep table1 --losses MultiSimilarity,NoMetric --seeds 2 --steps 2000 --rounds 10',
      'a small one, on the embedded benchmark',
    ],
    ['rxnas sweep table1 --on nats://host:4222', 'carried out by whoever runs rxnas worker'],
    ['rxnas sweep --status runs/table1', 'what is finished so far'],
    ['rxnas sweep my.yaml --dry-run', 'with all that it leaves open filled in'],
  ],
  complete: () => presetNames().filter((name) => name === 'table1'),
  stopsSafely: true,
  async run(args, output) {
    if (args.status !== undefined) return status(findRun(args.status), output);
    if (args.resume === undefined && args.spec === undefined) {
      throw usageError('sweep does not say which', 'give the file of a sweep, or table1');
    }
    const read = () => sweepSpec(args.spec, flagsOf(args), overridesOf({ set: args.set }));
    if (args.dryRun) {
      const resolved = resolvedSweep(await read());
      const hash = specHash(resolved);
      output.result({ hash, spec: resolved }, () => [`# ${hash}`, specYaml(resolved).trimEnd()]);
      return exitCode.ok;
    }
    return runSweep(read, args, output);
  },
};

function flagsOf(args: Args) {
  for (const flag of ['seeds', 'searchSeeds', 'queries', 'rounds', 'steps'] as const) {
    const name = flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (args[flag] !== undefined) wholeNumber(name, args[flag]);
  }
  if (args.threads !== undefined) wholeNumber('threads', args.threads, 1, 16);
  return given({
    losses:
      args.losses === undefined ? undefined : (args.losses as string).split(',').map((name) => name.trim()),
    seeds: args.seeds,
    searchSeeds: args.searchSeeds,
    seed: args.seed,
    benchmark: args.benchmark,
    queries: args.queries,
    rounds: args.rounds,
    protocol: args.protocol,
    steps: args.steps,
    engine: args.engine,
    threads: args.threads,
  });
}

async function status(dir: string, output: Output): Promise<ExitCode> {
  const manifest = readManifest(dir);
  const sweep = await sweepOfRun(manifest);
  const standing = await sweepStanding(dir, sweep);
  output.result(standing, () => [
    ...sweepMarkdown({ ...standing, published: sweep.published?.source }),
    '',
    `run: ${dir}, ${standing.status}`,
  ]);
  return exitCode.ok;
}
