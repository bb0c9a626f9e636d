import { exitCode } from '../../core/errors.js';
import { stream } from '../../core/random/random.js';
import { distanceShares } from '../../core/space/distances.js';
import { openSpace, spaceNames } from '../../core/space/index.js';
import { type Command, wholeNumber } from '../command.js';
import { table, thousands } from '../output.js';

const space = {
  space: { type: 'string', describe: `one of ${spaceNames.join(', ')}`, demandOption: true },
} as const;
const seed = { type: 'number', default: 1, describe: 'seed of the random draw' } as const;

const count: Command = {
  usage: 'count <space>',
  describe: 'Enumerate all cells of a space and count them',
  positionals: space,
  examples: [['rxnas space count nasbench101 --json', 'cells, in all and by vertices, and the time it took']],
  async run(args, output) {
    const opened = openSpace(args.space);
    const started = performance.now();
    const cells = opened.cells().length;
    const milliseconds = Math.round(performance.now() - started);
    const byVertices = opened.countByVertices();
    output.result({ space: opened.name, cells, byVertices, milliseconds }, () => [
      `${opened.name}: ${thousands(cells)} unique cells, enumerated in ${milliseconds} ms`,
      ...Object.entries(byVertices).map(([n, found]) => `  ${n} vertices: ${thousands(found)}`),
    ]);
    return exitCode.ok;
  },
};

const sample: Command = {
  usage: 'sample <space>',
  describe: 'Draw random cells',
  positionals: space,
  options: { count: { type: 'number', default: 1, describe: 'cells to draw' }, seed },
  examples: [['rxnas space sample nasbench101 --count 3 --seed 7', 'three cells: hash, operations, matrix']],
  async run(args, output) {
    const opened = openSpace(args.space);
    const random = stream(args.seed, 'space', 'sample');
    const drawn = Array.from({ length: wholeNumber('count', args.count) }, () => {
      const cell = opened.sample(random);
      return { id: opened.idOf(cell), cell, ...opened.describe(cell) };
    });
    output.result(drawn, () =>
      drawn.map(({ id, hash, text }) => `${id}  ${hash}${hash === text ? '' : `  ${text}`}`),
    );
    return exitCode.ok;
  },
};

const distances: Command = {
  usage: 'distances <space>',
  describe: 'Shares of exact edit distances between random pairs of cells',
  positionals: space,
  options: { pairs: { type: 'number', default: 100_000, describe: 'random pairs' }, seed },
  examples: [
    ['rxnas space distances nasbench101 --pairs 1000000', 'with 95 % confidence intervals (Wilson)'],
  ],
  async run(args, output) {
    const opened = openSpace(args.space);
    const pairs = wholeNumber('pairs', args.pairs);
    const shares = distanceShares(opened, pairs, stream(args.seed, 'space', 'distances'));
    output.result({ space: opened.name, pairs, confidence: 0.95, shares }, () => [
      `${opened.name}: edit distances of ${thousands(pairs)} random pairs, share and 95 % confidence interval (Wilson)`,
      ...table(
        ['edits', 'pairs', 'share', 'from', 'to'],
        shares.map(({ distance, count, share, low, high }, i) => [
          i === shares.length - 1 ? `> ${distance - 1}` : String(distance),
          count,
          ...[share, low, high].map((n) => n.toFixed(5)),
        ]),
      ),
    ]);
    return exitCode.ok;
  },
};

export const spaceCommand: Command = {
  usage: 'space',
  describe: 'Look into a search space',
  examples: [
    ['rxnas space count nasbench101', 'enumerate and count its cells'],
    ['rxnas space distances nasbench101', 'how far apart random cells are'],
  ],
  subcommands: [count, sample, distances],
};
