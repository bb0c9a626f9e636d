import type { MeanInterval } from '../../core/statistics/bootstrap.js';
import { rangeOf } from '../sparkline.js';
import { defineFigure } from './figure.js';
import { powersOfTen, seriesEncoding, titled } from './parts.js';

/** Searches of one kind: the mean over them, query by query. */
export interface CurveSeries {
  /** Loss of the controller, or searcher. */
  name: string;
  /** Searches that the means are of. */
  seeds: number;
  /** Queries, and mean regret or accuracy of the best cell so far with its 95 % interval. Fractions. */
  points: ({ query: number } & MeanInterval)[];
}

export interface CurvesData {
  benchmark: string;
  /** `regret` where the best accuracy of the whole benchmark is known. */
  of: 'regret' | 'accuracy';
  series: CurveSeries[];
}

const label = ({ name, seeds }: CurveSeries) => `${name} (n = ${seeds})`;

/** Search curves (paper figure 4). */
export const curvesFigure = defineFigure<CurvesData>({
  name: 'curves',
  summary: 'best cell found over the queries of searches, with intervals over seeds',
  paper: '4',
  describe: ({ benchmark, of, series }) =>
    `Mean test ${of} of the best cell found against the number of queries on ${benchmark}. Bands: 95 % bootstrap interval of the mean over the searches of a kind; none with one search. ` +
    series
      .map(({ name, seeds, points }) => {
        const { query, mean, low, high } = points.at(-1)!;
        const range = Number.isFinite(low)
          ? ` (${(100 * low).toFixed(3)} to ${(100 * high).toFixed(3)})`
          : '';
        return `${name}: ${(100 * mean).toFixed(3)} %${range} after ${query} queries, ${seeds} ${seeds === 1 ? 'search' : 'searches'}.`;
      })
      .join(' '),
  rows: ({ series }) =>
    series.flatMap(({ name, seeds, points }) => points.map((point) => ({ name, seeds, ...point }))),
  spec({ benchmark, of, series }, theme) {
    // A regret of zero, of a search that has found the best cell, has no place on a logarithmic axis.
    const log =
      of === 'regret' &&
      series.every(({ points }) => points.every(({ mean, low }) => mean > 0 && !(low <= 0)));
    const values = series.flatMap((each) =>
      each.points.map(({ query, mean, low, high }) => ({
        name: label(each),
        query,
        mean: 100 * mean,
        low: Number.isFinite(low) ? 100 * low : null,
        high: Number.isFinite(high) ? 100 * high : null,
      })),
    );
    const [least, most] = rangeOf(values.flatMap(({ mean, low, high }) => [mean, low ?? mean, high ?? mean]));
    const domain = least < most ? [least, most] : [least / 2, most * 2];
    const { color, strokeDash } = seriesEncoding(series.map(label), theme);
    const y = (field: string) => ({
      field,
      type: 'quantitative' as const,
      title: `test ${of} of the best cell (${of === 'regret' ? 'percentage points' : '%'})`,
      scale: log ? { type: 'log' as const, nice: false, domain } : { zero: false },
      ...(log && {
        axis: { values: powersOfTen(1e-6, 100).flatMap((power) => [power, 2 * power, 5 * power]) },
      }),
    });
    return {
      width: 560,
      height: 340,
      title: titled(
        `Search on ${benchmark}`,
        `Mean over n searches of the best cell so far${log ? ', logarithmic axis' : ''}. Bands: 95 % bootstrap interval of the mean.`,
      ),
      data: { values },
      encoding: { x: { field: 'query', type: 'quantitative', title: 'queries' } },
      layer: [
        {
          mark: { type: 'area', opacity: 0.15, interpolate: 'step-after' },
          transform: [{ filter: 'isValid(datum.low)' }],
          encoding: { y: y('low'), y2: { field: 'high' }, color },
        },
        {
          mark: { type: 'line', strokeWidth: 2, interpolate: 'step-after' },
          encoding: { y: y('mean'), color, strokeDash },
        },
      ],
    };
  },
});
