import { resolve } from 'node:path';
import { exitCode } from '../../core/errors.js';
import { replaceFile } from '../../core/run/index.js';
import { mean, standardDeviation } from '../../core/statistics/moments.js';
import { type EmbeddingQuality, type Evaluation, evaluateEmbeddings } from '../../jobs/evaluateEmbedding.js';
import { type QualityLine, qualityLines } from '../../report/embeddingQuality.js';
import { markdownTable } from '../../report/markdown.js';
import { type Command, wholeNumber } from '../command.js';
import { table, thousands } from '../output.js';
import { engineOptions, rootOption, runOrCheckpoint } from '../shared.js';

export const evaluateEmbeddingCommand: Command = {
  usage: 'evaluate-embedding <controllers..>',
  describe:
    'Are the embeddings good? Locality, surrogates of accuracy, decoding; beside an untrained encoder',
  positionals: {
    controllers: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'pretraining runs, or checkpoints; all of one space',
    },
  },
  options: {
    benchmark: { type: 'string', describe: 'benchmark whose accuracies are predicted; default: none' },
    cells: { type: 'number', default: 4096, describe: 'random cells' },
    pairs: { type: 'number', default: 20_000, describe: 'random pairs whose distances are compared' },
    seed: { type: 'number', default: 1, describe: 'seed of the sample' },
    'by-loss': {
      type: 'boolean',
      default: false,
      describe: 'one column a loss: mean ± standard deviation over its controllers',
    },
    markdown: { type: 'string', describe: 'write the table into this file as well' },
    ...rootOption,
    ...engineOptions,
  },
  examples: [
    ['rxnas evaluate-embedding runs/ms', 'locality and decoding'],
    ['rxnas evaluate-embedding runs/ms --benchmark mnist-cells5', 'and how well accuracy is predicted'],
    ['rxnas evaluate-embedding runs/* --markdown quality.md', 'several side by side, as a page'],
    ['rxnas evaluate-embedding runs/table1/pretrain-* --by-loss', 'those of a sweep'],
  ],
  async run(args, output) {
    const controllers = args.controllers as string[];
    let done = 0;
    const result = await evaluateEmbeddings({
      onController(name) {
        if (controllers.length > 2) output.note(`${++done} of ${controllers.length + 1}: ${name}`);
      },
      controllers: controllers.map((name) => runOrCheckpoint(name, args.root)),
      cells: wholeNumber('cells', args.cells, 100, 1_000_000),
      pairs: wholeNumber('pairs', args.pairs, 100),
      ...{ benchmark: args.benchmark, seed: args.seed, engine: args.engine, threads: args.threads },
    });
    const { header, rows } = columnsOf(result, args.byLoss);
    if (args.markdown !== undefined) {
      await replaceFile(resolve(args.markdown), `${headline(result)}.\n\n${markdownTable(header, rows)}`);
    }
    output.result(result, () => [
      headline(result),
      ...table(header, rows),
      ...(args.markdown === undefined ? [] : [`page: ${args.markdown}`]),
    ]);
    return exitCode.ok;
  },
};

const headline = ({ space, cells, seed, benchmark }: Evaluation) =>
  `${space}, ${thousands(cells)} random cells (seed ${seed})${benchmark ? `, accuracies of ${benchmark}` : ''}`;

/** A column for each controller, or for those of each loss, and one for the untrained. */
function columnsOf({ controllers, untrained }: Evaluation, byLoss: boolean) {
  const columns = new Map<string, EmbeddingQuality[]>();
  for (const { name, loss = name, quality } of controllers) {
    const column = byLoss ? loss : name;
    columns.set(column, [...(columns.get(column) ?? []), quality]);
  }
  columns.set('untrained', [untrained]);
  const title = ([name, { length }]: [string, EmbeddingQuality[]]) =>
    length > 1 ? `${name} (${length})` : name;
  const cell = ({ of, text }: QualityLine, qualities: readonly EmbeddingQuality[]) => {
    const values = qualities.map(of);
    const middle = text(mean(values));
    if (values.length === 1) return middle;
    return `${middle.replace(/ %$/, '')} ± ${text(standardDeviation(values))}`;
  };
  return {
    header: ['', ...[...columns].map(title)],
    rows: qualityLines(untrained).map((line) => [
      line.name,
      ...[...columns.values()].map((qualities) => cell(line, qualities)),
    ]),
  };
}
