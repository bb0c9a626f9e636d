import type { DistanceGroup } from '../../analytics/byDistance.js';
import { defineFigure } from './figure.js';
import { distanceLabel, seriesEncoding, thousands, titled } from './parts.js';

/** How embedding distance follows edit distance with one controller. */
export interface EmbeddingDistanceSeries {
  /** Loss or run. */
  name: string;
  /** Spearman correlation of Euclidean and edit distance over random pairs. */
  correlation: number;
  /** Euclidean distance by exact edit distance. */
  groups: DistanceGroup[];
}

export interface EmbeddingDistanceData {
  space: string;
  /** Random cells that pairs were made from. */
  cells: number;
  series: EmbeddingDistanceSeries[];
  /** The same of a controller that was not trained. */
  untrained: EmbeddingDistanceSeries;
}

const label = ({ name, correlation }: EmbeddingDistanceSeries) => `${name} (ρ ${correlation.toFixed(2)})`;

/** How far apart embeddings are of cells so many edits apart (paper figure 1c). */
export const embeddingDistanceFigure = defineFigure<EmbeddingDistanceData>({
  name: 'embedding-distance',
  summary: 'embedding distance against exact edit distance, of one controller or several',
  paper: '1c',
  describe: ({ space, cells, series, untrained }) =>
    `Mean Euclidean distance between the embeddings of cells of ${space} that are a given number of edits apart, from ${thousands(cells)} random cells, ` +
    'their positives and random partners; ρ: rank correlation of both distances over random pairs. ' +
    [...series, untrained]
      .map(
        ({ name, correlation, groups }) =>
          `${name}: ρ ${correlation.toFixed(3)}, from ${groups[0]!.mean.toFixed(3)} at one edit to ${groups.at(-1)!.mean.toFixed(3)} at more than ${groups.length - 1}.`,
      )
      .join(' '),
  rows: ({ series, untrained }) =>
    [...series, untrained].flatMap(({ name, correlation, groups }) =>
      groups.map(({ distance, ...group }) => ({
        name,
        correlation,
        distance: distanceLabel(distance, groups.length),
        ...group,
      })),
    ),
  spec({ space, cells, series, untrained }, theme) {
    const all = [...series, untrained];
    const count = untrained.groups.length;
    const values = all.flatMap((each) =>
      each.groups
        .filter(({ pairs }) => pairs > 0)
        .map(({ distance, ...group }) => ({
          name: label(each),
          distance: distanceLabel(distance, count),
          ...group,
        })),
    );
    const own = seriesEncoding(series.map(label), theme);
    const names = all.map(label);
    const withLast = <T>(scale: { range: T[] }, last: T) => ({
      domain: names,
      range: [...scale.range, last],
    });
    const color = { ...own.color, scale: withLast(own.color.scale, theme.muted) };
    const strokeDash = { ...own.strokeDash, scale: withLast(own.strokeDash.scale, [2, 4]) };
    const y = (field: string) => ({
      field,
      type: 'quantitative' as const,
      title: 'Euclidean distance of embeddings',
    });
    // The middle halves of many would cover one another.
    const bands = series.length <= 2;
    return {
      width: 560,
      height: 320,
      title: titled(
        `Embedding distance follows edit distance (${space})`,
        `Mean over pairs${bands ? '; bands: middle half of the pairs' : ''}. ${thousands(cells)} random cells, their positives and random partners. ` +
          'ρ: rank correlation of both distances over random pairs.',
      ),
      data: { values },
      encoding: {
        x: {
          field: 'distance',
          type: 'ordinal',
          sort: Array.from({ length: count }, (_, i) => distanceLabel(i + 1, count)),
          title: 'exact edit distance',
          axis: { labelAngle: 0, grid: false },
        },
      },
      layer: [
        ...(bands
          ? [
              {
                mark: { type: 'area' as const, opacity: 0.15 },
                encoding: { y: y('q25'), y2: { field: 'q75' }, color },
              },
            ]
          : []),
        {
          mark: { type: 'line', strokeWidth: 2, point: { size: 45, filled: true } },
          encoding: { y: y('mean'), color, strokeDash },
        },
      ],
    };
  },
});
