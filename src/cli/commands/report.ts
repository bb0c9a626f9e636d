import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { dataError, exitCode, RxnasError, usageError } from '../../core/errors.js';
import { given } from '../../core/given.js';
import {
  findRun,
  listRuns,
  newestCheckpoint,
  openRun,
  replaceFile,
  StoredRun,
} from '../../core/run/index.js';
import { spaceNames } from '../../core/space/index.js';
import { headlineOf } from '../../core/spec/differences.js';
import { unknownName } from '../../core/suggest.js';
import { embeddingMap } from '../../jobs/embeddingMap.js';
import { drawFigure } from '../../jobs/figures/index.js';
import { hasModules, isSweep, sweepOfRun } from '../../jobs/kinds.js';
import { sweepStanding } from '../../jobs/sweep/standing.js';
import type { FigureName } from '../../report/figures/index.js';
import { mapModel } from '../../report/mapModel.js';
import type { FigureModel, MapModel } from '../../report/model.js';
import { pageFigure } from '../../report/pageFigure.js';
import { renderPage } from '../../report/renderPage.js';
import { type ReadRun, readRun, reportModel } from '../../report/reportData.js';
import type { Args, Command } from '../command.js';
import type { Output } from '../output.js';
import { progressBoard } from '../progress.js';
import { engineOptions, rootOption, runArgument } from '../shared.js';
import { sizeOf } from './runs/figures.js';

/** Figures that show what the page's own sections do not. */
const drawable = [
  'distances',
  'accuracy-distance',
  'embedding-distance',
  'clusters',
  'reconstruction',
] as const;
/** Those that take seconds. */
const quick = [
  'distances',
  'accuracy-distance',
  'embedding-distance',
] as const satisfies readonly FigureName[];

export const reportCommand: Command = {
  usage: 'report <runs..>',
  describe: 'Runs as one HTML file for any browser, without a network: curves, embedding map, timings, spec',
  complete: runArgument.complete,
  positionals: {
    runs: { type: 'string', array: true, demandOption: true, describe: 'runs: folders, names, or latest' },
  },
  options: {
    out: { type: 'string', default: 'report.html', describe: 'the file to write' },
    title: { type: 'string', describe: 'heading of the page; default: the name of the run' },
    map: {
      type: 'string',
      choices: ['auto', 'all', 'logged', 'none'],
      default: 'auto',
      describe:
        'cells of the embedding map: all of the space, by the controller of the first run that has one; those that it has logged; or no map. auto: all, where a run has a controller',
    },
    umap: {
      type: 'boolean',
      default: false,
      describe: 'lay the map out by UMAP as well; takes minutes longer',
    },
    benchmark: {
      type: 'string',
      describe:
        'accuracies on the map and in the figures; default: the benchmark of the run, or else its queries',
    },
    figures: {
      type: 'string',
      array: true,
      default: ['auto'],
      describe: `auto: ${quick.join(', ')}, as far as there are controllers and a benchmark; none; or these: ${drawable.join(', ')}`,
    },
    ...engineOptions,
    ...rootOption,
  },
  examples: [
    ['rxnas report latest', 'the newest run, into report.html'],
    ['rxnas report runs/ms --benchmark nasbench101:FILE.parquet', 'a pretraining, its map with accuracies'],
    ['rxnas report nao-1 nao-2 random-1 --map none', 'searches with one another'],
  ],
  async run(args, output) {
    if (!args.out.endsWith('.html')) {
      throw usageError(`--out ${args.out} is no HTML file`, 'name a file that ends in .html');
    }
    const runs: StoredRun[] = args.runs.map((name: string) => openRun(findRun(name, args.root)));
    const read = await Promise.all(runs.map(readSoFar));
    const model = reportModel(read, given({ title: args.title as string | undefined }));
    const controllers = withController(read);
    const names = figureNamesOf(controllers, args);
    const map = await mapOf(args.map === 'logged' ? runs[0] : controllers[0], args, output);
    const figures = await figuresOf(names, controllers, args, output);
    const file = resolve(args.out);
    await replaceFile(file, renderPage({ ...model, figures, ...given({ map }) }));
    const bytes = statSync(file).size;
    output.result({ file, bytes, cells: map?.rows ?? 0 }, () => `report: ${args.out}, ${sizeOf(bytes)}`);
    return exitCode.ok;
  },
};

/** A run; of a sweep with a pretraining of each loss and, before its end, how its variants have done so far. */
async function readSoFar(run: StoredRun): Promise<ReadRun> {
  const { dir, manifest } = run;
  if (!isSweep(manifest)) return readRun(run);
  const read = { ...readRun(run), pretrainings: pretrainingsOf(run) };
  if (manifest.status === 'done' || hasModules(manifest)) return read;
  try {
    const { summary } = await sweepStanding(dir, await sweepOfRun(manifest));
    return { ...read, summaries: summary };
  } catch (error) {
    if (error instanceof RxnasError) return read; // of an rxnas that named its rows otherwise
    throw error;
  }
}

/** Runs whose controllers can be asked: of a sweep the first of each loss that it has pretrained. */
function withController(read: readonly ReadRun[]): StoredRun[] {
  const own = read.flatMap(({ run, pretrainings }) => pretrainings ?? [run]);
  return own.filter(({ dir }) => newestCheckpoint(dir).checkpoint?.controller);
}

const spaceOf = ({ dir }: StoredRun): string | undefined => newestCheckpoint(dir).checkpoint?.space;

/** Of each loss the first. */
function pretrainingsOf({ dir }: StoredRun): StoredRun[] {
  const runs = listRuns(dir).flatMap(({ dir, manifest }) => (manifest ? new StoredRun(dir, manifest) : []));
  const bySeed = runs.toSorted(
    ({ manifest: a }, { manifest: b }) => a.seed - b.seed || a.created.localeCompare(b.created),
  );
  const losses = bySeed.map(({ manifest }) => headlineOf(manifest.spec).loss);
  return bySeed.filter((_, i) => losses.indexOf(losses[i]) === i);
}

/** The figures that were asked for, or of the quick ones those that there is something for. */
function figureNamesOf(controllers: readonly StoredRun[], { figures, benchmark }: Args): FigureName[] {
  const asked: string[] = figures;
  if (asked.includes('none')) return [];
  const named = asked.filter((name) => name !== 'auto');
  for (const name of named) {
    if (!drawable.includes(name as (typeof drawable)[number])) throw unknownName('figure', name, drawable);
  }
  const space = controllers[0] && spaceOf(controllers[0]);
  const isAlike = controllers.every((run) => spaceOf(run) === space);
  const found =
    asked.includes('auto') && space && spaceNames.includes(space) && isAlike
      ? quick.filter((name) => name !== 'accuracy-distance' || benchmark !== undefined)
      : [];
  return [...new Set([...found, ...(named as FigureName[])])];
}

async function figuresOf(
  names: readonly FigureName[],
  controllers: readonly StoredRun[],
  args: Args,
  output: Output,
): Promise<FigureModel[]> {
  const drawn: FigureModel[] = [];
  const space = (controllers[0] && spaceOf(controllers[0])) ?? 'nasbench101';
  for (const name of names) {
    output.note(`figure: ${name}`);
    const isOfRuns = name !== 'distances' && name !== 'accuracy-distance';
    const figure = await drawFigure(name, {
      runs: isOfRuns ? controllers.map(({ dir }) => dir) : [],
      ...{ space, benchmark: args.benchmark, cells: 4096, pairs: 20_000, seed: 1 },
      ...{ engine: args.engine, threads: args.threads },
    });
    drawn.push(await pageFigure(figure));
  }
  return drawn;
}

async function mapOf(run: StoredRun | undefined, args: Args, output: Output): Promise<MapModel | undefined> {
  if (args.map === 'none') return undefined;
  if (!run) {
    if (args.map === 'auto') return undefined;
    throw dataError(
      `no run has ${args.map === 'all' ? 'a controller' : 'embeddings'}`,
      'leave out the map with --map none',
    );
  }
  const board = progressBoard(output);
  let progress: ReturnType<typeof board.add> | undefined;
  try {
    const data = await embeddingMap(run, {
      cells: args.map === 'logged' ? 'logged' : 'all',
      ...{ umap: args.umap, engine: args.engine },
      ...given({
        benchmark: args.benchmark as string | undefined,
        threads: args.threads as number | undefined,
      }),
      onNote: output.note,
      onProgress(done, total) {
        progress ??= board.add('embedding', total, 'cells');
        progress.update(done);
      },
    });
    return mapModel(data);
  } finally {
    board.stop();
  }
}
