import { umapMetrics } from '../../core/projection/umap.js';
import { controllerCheckpoint } from '../../core/run/index.js';
import { spaceNames } from '../../core/space/index.js';
import { embedSpec } from '../../jobs/settings.js';
import type { Command } from '../command.js';
import { rootOption, runOptions, runOrCheckpoint } from '../shared.js';
import { overridesOf, runRead } from '../specRun.js';

export const embedCommand: Command = {
  usage: 'embed',
  describe: 'Embed all cells of a space with a controller: Parquet with hash, tokens, accuracy, UMAP',
  options: {
    controller: { type: 'string', demandOption: true, describe: 'pretraining run, or checkpoint' },
    space: { type: 'string', describe: `${spaceNames.join(' or ')}; default: the controller’s` },
    cells: { type: 'number', describe: 'so many random cells; default: all' },
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
    ['rxnas embed --controller runs/ms --benchmark mnist-cells5', 'with columns validation and test'],
    ['rxnas embed --controller runs/ms --umap --min-dist 0.5', 'with columns umap_x and umap_y'],
  ],
  stopsSafely: true,
  run(args, output) {
    const controller = runOrCheckpoint(args.controller, args.root);
    const { neighbors, minDist, metric, umapSample, seed, cells, benchmark, engine, threads } = args;
    const umap = { sample: umapSample, neighbors, minDist, metric };
    const isGiven = Object.values(umap).some((value) => value !== undefined);
    const settings = {
      controller,
      space: args.space ?? controllerCheckpoint(controller).checkpoint.space,
      ...((args.umap || isGiven) && { umap: JSON.parse(JSON.stringify(umap)) }),
      ...{ seed, cells, benchmark, engine, threads },
    };
    return runRead(() => embedSpec(settings, overridesOf(args)), args, output);
  },
};
