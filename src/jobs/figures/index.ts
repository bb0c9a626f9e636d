import type { TopLevelSpec } from 'vega-lite';
import { accuracyDistance } from '../../analytics/accuracyDistance.js';
import { openBenchmark } from '../../core/benchmark/index.js';
import { usageError } from '../../core/errors.js';
import { stream } from '../../core/random/random.js';
import { distanceShares } from '../../core/space/distances.js';
import { openSpace } from '../../core/space/index.js';
import type { Figure, FigureCell } from '../../report/figures/figure.js';
import { type FigureData, type FigureName, figures } from '../../report/figures/index.js';
import type { Theme } from '../../report/theme.js';
import type { ControllersOptions } from '../controllers.js';
import { clustersData } from './clusters.js';
import { embeddingDistanceData } from './embeddingDistance.js';
import { curvesData, lossData, reconstructionData, stagesData } from './ofRuns.js';

export interface FigureRequest extends ControllersOptions {
  /** Folders of runs; for figures of embeddings also checkpoints. */
  runs: readonly string[];
  /** Of `distances`. */
  space: string;
  /** Of `accuracy-distance`. */
  benchmark?: string | undefined;
  /** Random cells, and random pairs of them. */
  cells: number;
  pairs: number;
}

/** A figure with its data filled in. */
export interface DrawnFigure {
  description: string;
  rows: Record<string, FigureCell>[];
  spec(theme: Theme): TopLevelSpec;
}

type Sources = { [N in FigureName]: (request: FigureRequest) => FigureData<N> | Promise<FigureData<N>> };

const sources: Sources = {
  distances: ({ space: name, pairs, seed }) => {
    const space = openSpace(name);
    return {
      space: space.name,
      pairs,
      shares: distanceShares(space, pairs, stream(seed, 'space', 'distances')),
    };
  },
  'accuracy-distance': async ({ benchmark: reference, cells, seed }) => {
    if (reference === undefined) {
      throw usageError(
        'the figure accuracy-distance needs accuracies',
        'give --benchmark, e.g. mnist-cells5',
      );
    }
    const benchmark = await openBenchmark(reference);
    try {
      return await accuracyDistance(benchmark, cells, stream(seed, 'figure', 'accuracy-distance'));
    } finally {
      await benchmark.close?.();
    }
  },
  'embedding-distance': ({ runs, ...options }) => embeddingDistanceData(runs, options),
  clusters: ({ runs, ...options }) => clustersData(runs, options),
  reconstruction: ({ runs }) => reconstructionData(runs),
  curves: ({ runs }) => curvesData(runs),
  loss: ({ runs }) => lossData(runs),
  stages: ({ runs }) => stagesData(runs),
};

const withoutRuns: readonly FigureName[] = ['distances', 'accuracy-distance'];

/**
 * Computes a figure. Throws exit code 2 where it needs a run or a benchmark that is not given, 3 where those that are given do not have what it
 * shows.
 */
export async function drawFigure(name: FigureName, request: FigureRequest): Promise<DrawnFigure> {
  if (withoutRuns.includes(name) && request.runs.length > 0) {
    throw usageError(`the figure ${name} is not about runs`, `leave out ${request.runs.join(' ')}`);
  }
  if (!withoutRuns.includes(name) && request.runs.length === 0) {
    throw usageError(
      `the figure ${name} is about runs`,
      'name one or several: rxnas plot RUN… (`rxnas runs` lists them)',
    );
  }
  const figure = figures[name] as Figure<unknown>;
  const data = await sources[name](request);
  return {
    description: figure.describe(data),
    rows: figure.rows(data),
    spec: (theme) => figure.spec(data, theme),
  };
}
