import { usageError } from '../../core/errors.js';
import { umapMetrics } from '../../core/projection/umap.js';
import { controllerCheckpoint } from '../../core/run/index.js';
import { spaceNames } from '../../core/space/index.js';
import { embedSpec } from '../../jobs/settings.js';
import { type Args, type Command, wholeNumber } from '../command.js';
import { rootOption, runOptions, runOrCheckpoint } from '../shared.js';
import { overridesOf, runRead } from '../specRun.js';

/** The controller that is meant; undefined for an untrained one. */
function controllerOf({ controller, untrained, root }: Args): string | undefined {
  if (untrained === (controller !== undefined)) {
    throw untrained
      ? usageError('--untrained and --controller are two controllers', 'give one of them')
      : usageError('which controller?', 'give --controller RUN, or --untrained');
  }
  return untrained ? undefined : runOrCheckpoint(controller, root);
}

function cellsOf(text: string): number | 'all' | 'known' {
  if (text === 'all' || text === 'known') return text;
  if (/^\d+$/.test(text)) return wholeNumber('cells', Number(text), 1, 10_000_000);
  throw usageError(`--cells is '${text}'`, 'give all, known or a number');
}

export const embedCommand: Command = {
  usage: 'embed',
  describe: 'Embed all cells of a space with a controller: Parquet with hash, tokens, accuracy, UMAP',
  options: {
    controller: { type: 'string', describe: 'pretraining run, or checkpoint' },
    untrained: {
      type: 'boolean',
      default: false,
      describe: 'instead of --controller: the weights that training begins with, for comparison',
    },
    space: {
      type: 'string',
      describe: `${spaceNames.join(' or ')}; default: the controller’s, else nasbench101`,
    },
    cells: {
      type: 'string',
      default: 'all',
      describe: 'all, known (to the benchmark), or so many random ones',
    },
    benchmark: { type: 'string', describe: 'adds the accuracies that it knows' },
    umap: { type: 'boolean', default: false, describe: 'adds the place in the plane, umap_x and umap_y' },
    neighbors: { type: 'number', describe: 'UMAP: neighbours that stay together; default 15' },
    'min-dist': { type: 'number', describe: 'UMAP: least distance in the plane; default 0.1' },
    metric: { type: 'string', choices: umapMetrics, describe: 'UMAP: distance of embeddings' },
    'umap-sample': {
      type: 'number',
      describe: 'UMAP: random cells that the layout is made from; default 10000. The others go between them',
    },
    ...rootOption,
    ...runOptions,
  },
  examples: [
    ['rxnas embed --controller runs/ms --out runs/ms-cells', 'runs/ms-cells/embeddings-000.parquet'],
    [
      'rxnas embed --controller runs/ms --benchmark mnist-cells5 --cells known',
      'with columns validation and test',
    ],
    ['rxnas embed --controller runs/ms --umap --min-dist 0.5', 'with columns umap_x and umap_y'],
  ],
  stopsSafely: true,
  run(args, output) {
    const controller = controllerOf(args);
    const { neighbors, minDist, metric, umapSample, seed, benchmark, engine, threads } = args;
    const umap = { sample: umapSample, neighbors, minDist, metric };
    const isGiven = Object.values(umap).some((value) => value !== undefined);
    const settings = {
      controller,
      space: args.space ?? (controller ? controllerCheckpoint(controller).checkpoint.space : 'nasbench101'),
      cells: cellsOf(args.cells),
      ...((args.umap || isGiven) && { umap: JSON.parse(JSON.stringify(umap)) }),
      ...{ seed, benchmark, engine, threads },
    };
    if (settings.umap && !args.dryRun)
      output.note(
        'laying out the sample by UMAP first, a minute or so; all cells of nasbench101 take three in all',
      );
    return runRead(() => embedSpec(settings, overridesOf(args)), args, output);
  },
};
