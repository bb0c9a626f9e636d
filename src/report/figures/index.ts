import { unknownName } from '../../core/suggest.js';
import { accuracyDistanceFigure } from './accuracyDistance.js';
import { clustersFigure } from './clusters.js';
import { curvesFigure } from './curves.js';
import { distancesFigure } from './distances.js';
import { embeddingDistanceFigure } from './embeddingDistance.js';
import { lossFigure } from './loss.js';
import { reconstructionFigure } from './reconstruction.js';
import { stagesFigure } from './stages.js';

export type { Figure, FigureCell } from './figure.js';

/** All figures, by name: the paper's in its order, then those of runs. */
export const figures = {
  distances: distancesFigure,
  'accuracy-distance': accuracyDistanceFigure,
  'embedding-distance': embeddingDistanceFigure,
  clusters: clustersFigure,
  reconstruction: reconstructionFigure,
  curves: curvesFigure,
  loss: lossFigure,
  stages: stagesFigure,
} as const;

export type FigureName = keyof typeof figures;
export const figureNames = Object.keys(figures) as FigureName[];

/** The data that a figure is made of. */
export type FigureData<N extends FigureName> = (typeof figures)[N] extends { describe(data: infer D): string }
  ? D
  : never;

/** The name of a figure; a usage error with "did you mean" for others. */
export function figureName(name: string): FigureName {
  if (Object.hasOwn(figures, name)) return name as FigureName;
  throw unknownName('figure', name, figureNames);
}
