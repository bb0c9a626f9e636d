import { exitCode } from '../../core/errors.js';
import { type EmbeddingQuality, evaluateEmbedding } from '../../jobs/evaluateEmbedding.js';
import { type Command, wholeNumber } from '../command.js';
import { percent, table } from '../output.js';
import { engineOptions } from '../shared.js';

export const evaluateEmbeddingCommand: Command = {
  usage: 'evaluate-embedding <controller>',
  describe: 'Is the embedding good? Locality, surrogates of accuracy, decoding; beside an untrained encoder',
  positionals: {
    controller: { type: 'string', demandOption: true, describe: 'pretraining run, or checkpoint' },
  },
  options: {
    benchmark: { type: 'string', describe: 'benchmark whose accuracies are predicted; default: none' },
    cells: { type: 'number', default: 4096, describe: 'random cells' },
    pairs: { type: 'number', default: 20_000, describe: 'random pairs whose distances are compared' },
    seed: { type: 'number', default: 1, describe: 'seed of the sample' },
    ...engineOptions,
  },
  examples: [
    ['rxnas evaluate-embedding runs/ms', 'locality and decoding'],
    ['rxnas evaluate-embedding runs/ms --benchmark mnist-cells5', 'and how well accuracy is predicted'],
  ],
  async run(args, output) {
    const result = await evaluateEmbedding({
      controller: args.controller,
      cells: wholeNumber('cells', args.cells, 100, 1_000_000),
      pairs: wholeNumber('pairs', args.pairs, 100),
      ...{ benchmark: args.benchmark, seed: args.seed, engine: args.engine, threads: args.threads },
    });
    output.result(result, () => {
      const { trained, untrained } = result;
      const line = (name: string, figure: (quality: EmbeddingQuality) => string) => [
        name,
        figure(trained),
        figure(untrained),
      ];
      const number = (value: number) => value.toFixed(3);
      return [
        `${result.space}, ${result.cells} random cells`,
        ...table(
          ['', 'pretrained', 'untrained'],
          [
            line('rank correlation of embedding and edit distance', (q) => number(q.locality.correlation)),
            ...trained.locality.byDistance.map(({ distance, pairs }, i) =>
              line(
                `embedding distance, ${i < 6 ? distance : 'more than 6'} edits apart (${pairs} pairs)`,
                (q) => number(q.locality.byDistance[i]!.mean),
              ),
            ),
            line(
              `nearest ${trained.locality.neighbours} within 3 edits (chance ${percent(trained.locality.chance)})`,
              (q) => percent(q.locality.purity),
            ),
            line('decoded to a valid cell', (q) => percent(q.decoding.valid)),
            line('decoded to the same cell', (q) => percent(q.decoding.same)),
            line('tokens that come back', (q) => percent(q.decoding.tokens)),
            ...(trained.accuracy
              ? [
                  line('accuracy differs between neighbours, of random pairs', (q) =>
                    percent(q.accuracy!.roughness),
                  ),
                  ...trained.accuracy.surrogates.flatMap(({ train }, i) => [
                    line(`rank correlation of a linear probe, ${train} cells`, (q) =>
                      number(q.accuracy!.surrogates[i]!.linear),
                    ),
                    line(`rank correlation of 5 nearest neighbours, ${train} cells`, (q) =>
                      number(q.accuracy!.surrogates[i]!.nearest),
                    ),
                  ]),
                ]
              : []),
          ],
        ),
      ];
    });
    return exitCode.ok;
  },
};
