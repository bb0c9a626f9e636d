import { exitCode } from '../../core/errors.js';
import { type Neighbour, neighboursOf } from '../../jobs/neighbours.js';
import { type Command, wholeNumber } from '../command.js';
import { percent, table, thousands } from '../output.js';
import { engineOptions, rootOption, runArgument, runOrCheckpoint } from '../shared.js';

export const neighboursCommand: Command = {
  usage: 'neighbours <run> <cell>',
  aliases: ['neighbors'],
  describe: 'The cells nearest to one by embedding, among all of the space',
  complete: runArgument.complete,
  positionals: {
    run: {
      type: 'string',
      demandOption: true,
      describe: 'run with a controller or embeddings, or checkpoint',
    },
    cell: {
      type: 'string',
      demandOption: true,
      describe: 'id, hash, tokens, text or JSON, as `rxnas space sample` shows it',
    },
  },
  options: {
    count: { type: 'number', default: 10, describe: 'neighbours' },
    benchmark: { type: 'string', describe: 'benchmark whose accuracies are shown' },
    ...rootOption,
    ...engineOptions,
  },
  examples: [
    ['rxnas neighbours runs/ms 4711', 'by its id, the place in the space'],
    ["rxnas neighbours runs/ms 'conv3x3 | 01 12' --benchmark mnist-cells5", 'with accuracies'],
    ['rxnas neighbours runs/ms-cells 4711', 'of a run of `rxnas embed`: nothing is embedded again'],
  ],
  async run(args, output) {
    const result = await neighboursOf({
      run: runOrCheckpoint(args.run, args.root),
      cell: String(args.cell),
      count: wholeNumber('count', args.count, 1, 10_000),
      ...{ benchmark: args.benchmark, engine: args.engine, threads: args.threads },
    });
    output.result(result, () => {
      const { space, cells, cell, neighbours } = result;
      const withAccuracy = args.benchmark !== undefined;
      const row = ({ id, hash, text, distance, edits, test }: Neighbour) => [
        distance.toFixed(4),
        edits,
        ...(withAccuracy ? [test === undefined || Number.isNaN(test) ? '–' : percent(test)] : []),
        id,
        ...(hash === text ? [text] : [hash, text]),
      ];
      const isHashed = cell.hash !== cell.text;
      return [
        `the nearest of ${thousands(cells)} cells of ${space}; the first row is the cell itself`,
        ...table(
          [
            'distance',
            'edits',
            ...(withAccuracy ? ['test'] : []),
            'id',
            ...(isHashed ? ['hash'] : []),
            'cell',
          ],
          [cell, ...neighbours].map(row),
        ),
      ];
    });
    return exitCode.ok;
  },
};
