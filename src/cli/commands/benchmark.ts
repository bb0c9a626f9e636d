import { benchmarks, openBenchmark } from '../../core/benchmark/index.js';
import { exitCode } from '../../core/errors.js';
import type { Command } from '../command.js';
import { percent, table, thousands } from '../output.js';

const list: Command = {
  usage: 'list',
  describe: 'Benchmarks that can be queried',
  examples: [['rxnas benchmark list --json', 'name, space and cells of each']],
  async run(_args, output) {
    const entries = [...benchmarks.values()].map(({ name, summary, space, cells, file }) => ({
      name,
      space: space.name,
      cells,
      embedded: file !== undefined,
      summary,
    }));
    output.result(entries, () =>
      table(
        ['name', 'space', 'cells', 'table', 'what'],
        entries.map((entry) => [
          entry.name,
          entry.space,
          thousands(entry.cells),
          entry.embedded ? 'embedded' : `give ${entry.name}:FILE`,
          entry.summary,
        ]),
      ),
    );
    return exitCode.ok;
  },
};

const describe: Command = {
  usage: 'describe <benchmark>',
  describe: 'Open a benchmark and show its figures',
  positionals: { benchmark: { type: 'string', demandOption: true, describe: 'name, or name:FILE' } },
  examples: [
    ['rxnas benchmark describe mnist-cells5', 'cells, accuracies, where they come from'],
    ['rxnas benchmark describe nasbench101:FILE.parquet --json', 'a table of your own'],
  ],
  async run(args, output) {
    const {
      name,
      space,
      cells,
      summary,
      provenance,
      bestTest,
      data = {},
    } = await openBenchmark(args.benchmark);
    output.result({ name, space: space.name, cells, bestTest, summary, provenance, data }, () => [
      `${name}: ${summary}`,
      `  space ${space.name}, ${thousands(cells)} cells`,
      ...(bestTest === undefined ? [] : [`  best test accuracy ${percent(bestTest)} (mean over repeats)`]),
      `  ${provenance}`,
    ]);
    return exitCode.ok;
  },
};

export const benchmarkCommand: Command = {
  usage: 'benchmark',
  describe: 'List, describe and measure benchmarks',
  examples: [
    ['rxnas benchmark list', 'what there is'],
    ['rxnas benchmark describe mnist-cells5', 'one of them'],
  ],
  subcommands: [list, describe],
};
