import { embeddedBenchmark, openBenchmark } from '../../core/benchmark/index.js';
import { openEngine } from '../../core/engine/index.js';
import { type ExitCode, exitCode } from '../../core/errors.js';
import { pretrainJob } from '../../jobs/pretrain.js';
import { type SearchResult, searchJob } from '../../jobs/search.js';
import type { Command } from '../command.js';
import { interrupted$ } from '../interrupt.js';
import { type Output, percent, table, thousands } from '../output.js';
import { progressBoard } from '../progress.js';
import { searchProgress } from '../specRun.js';

/** Sizes that fit the main job into some three minutes on two cores. */
const pretraining = { space: 'nasbench101', loss: 'MultiSimilarity', steps: 2000 };
const queriesEach = 150;
const nao = { initial: 50, perRound: 25, top: 25, epochs: 150, trainBatch: 16, targetFloor: 0.7 };
/** The searches side by side: what each is called, and its settings. */
const searches = [
  { title: 'pretrained controller, NAO', searcher: 'nao', settings: nao },
  { title: 'pretrained embeddings, guided', searcher: 'guided', settings: {} },
  { title: 'random', searcher: 'random', settings: {} },
];

export const startCommand: Command = {
  usage: 'start',
  describe: 'The main job: pretrain, search in two ways beside a random search, summary',
  options: {
    seed: { type: 'number', default: 1, describe: 'seed of all random streams' },
    steps: { type: 'number', default: pretraining.steps, describe: 'pretraining steps' },
    queries: { type: 'number', default: queriesEach, describe: 'queries of each search' },
  },
  examples: [['npm start', 'the same, with all that is missing installed first']],
  stopsSafely: true,
  async run({ seed, steps, queries }, output) {
    const { name, threads, reason } = await describeEngine();
    output.note(`engine ${name}, ${threads} thread${threads === 1 ? '' : 's'} (${reason})`);
    const benchmark = await openBenchmark(embeddedBenchmark);
    output.note(`benchmark ${benchmark.name}: ${benchmark.summary}, ${thousands(benchmark.cells)} cells`);

    const board = progressBoard(output);
    const common = { stop: interrupted$, onNote: output.note };
    try {
      const bar = board.add('pretrain', steps, 'steps');
      const pretrained = await pretrainJob(
        { ...pretraining, steps, seed },
        { ...common, onRow: (row) => bar.update(row.step + 1, `loss ${row.total.toFixed(3)}`) },
      );
      bar.stop();
      if (pretrained.status === 'interrupted') {
        return stopped(`rxnas resume ${pretrained.dir}`, output);
      }

      const results = await Promise.all(
        searches.map(({ searcher, settings }) =>
          searchJob(
            {
              ...{ ...settings, benchmark: embeddedBenchmark, queries, seed, searcher },
              ...(searcher !== 'random' && { controller: pretrained.dir }),
            },
            { ...common, onRow: searchProgress(board.add(searcher, queries, 'queries')) },
          ),
        ),
      );
      board.stop();
      const interrupted = results.find(({ status }) => status === 'interrupted');
      if (interrupted) return stopped(`rxnas resume ${interrupted.dir}`, output);
      summary(pretrained.dir, results, output);
      return exitCode.ok;
    } finally {
      board.stop();
    }
  },
};

async function describeEngine() {
  const engine = await openEngine('auto');
  try {
    return { name: engine.name, threads: engine.threads, reason: engine.reason };
  } finally {
    await engine.dispose();
  }
}

function stopped(command: string, output: Output): ExitCode {
  output.note(`stopped; go on with: ${command}`);
  return exitCode.interrupted;
}

function summary(pretrained: string, results: readonly SearchResult[], output: Output): void {
  output.result({ pretrained, searches: results }, () => [
    '',
    ...table(
      ['search', 'queries', 'best test', 'regret', 'rank', 'found with query', 'run'],
      results.map(({ queries, last, queriesToBest, dir }, i) => [
        searches[i]!.title,
        queries,
        last ? percent(last.best_test) : '–',
        last ? percent(last.regret) : '–',
        last?.rank ?? '–',
        queriesToBest,
        dir,
      ]),
    ),
    '',
    'Best test: test accuracy of the best cell by validation. Regret: what the best cell of the benchmark has more.',
    `The pretrained controller and its embeddings: ${pretrained}`,
    `More: npx rxnas export embeddings --run ${pretrained}, npx rxnas --help`,
  ]);
}
