import type { TopLevelSpec } from 'vega-lite';
import { rowsOf } from '../core/batch/index.js';
import type { StoredRun } from '../core/run/index.js';

/** How a run went: the loss of a pretraining over its steps, the test accuracy of a search's best cell over its queries. */
export interface Curve {
  /** What it runs over. */
  of: 'step' | 'query';
  /** What it shows. */
  column: 'total' | 'best_test';
  /** Pairs of step and value, at most 500: of a longer run the mean of so many steps, the newest of so many queries. */
  values: [number, number][];
}

const mostPoints = 500;

/** The curve of a run: of its queries, where it has any. Throws exit code 3 where its log cannot be read. */
export function curveOf(run: StoredRun): Curve {
  const points: Record<Curve['of'], [number, number][]> = { step: [], query: [] };
  for (const { event, batch } of run.records({ events: ['step', 'query'] })) {
    for (const row of rowsOf(batch) as Iterable<Record<string, number>>) {
      if (event === 'step') points.step.push([row.step!, row.total!]);
      else points.query.push([row.query!, row.best_test!]);
    }
  }
  const of = points.query.length > 0 ? 'query' : 'step';
  const column = of === 'query' ? 'best_test' : 'total';
  const all = points[of];
  const every = Math.max(1, Math.ceil(all.length / mostPoints));
  const values = Array.from({ length: Math.ceil(all.length / every) }, (_, i): [number, number] => {
    const bucket = all.slice(i * every, (i + 1) * every);
    const [last, newest] = bucket.at(-1)!;
    const mean = bucket.reduce((sum, [, value]) => sum + value, 0) / bucket.length;
    return [last, column === 'total' ? mean : newest];
  });
  return { of, column, values };
}

/** The newest value at each of `places`; NaN where the curve has none yet, or has ended. */
export const valuesAt = ({ values }: Curve, places: readonly number[]): number[] =>
  places.map((at) => {
    const index = values.findLastIndex(([step]) => step <= at);
    const ended = index === values.length - 1 && index >= 0 && values[index]![0] < at;
    return index < 0 || ended ? Number.NaN : values[index]![1];
  });

const titles = { step: 'step', query: 'queries', total: 'loss', best_test: 'test accuracy of the best cell' };

/** The plot of named curves: one panel for pretrainings, one for searches. */
export function curvesPlot(curves: readonly (Curve & { name: string })[]): TopLevelSpec {
  const panel = (of: Curve['of']) => {
    const own = curves.filter((curve) => curve.of === of && curve.values.length > 0);
    if (own.length === 0) return [];
    const { column } = own[0]!;
    const values = own.flatMap(({ name, values }) =>
      values.map(([at, value]) => ({ name, at, value: Number.isFinite(value) ? value : null })),
    );
    return [
      {
        width: 560,
        height: 300,
        data: { values },
        mark: {
          type: 'line' as const,
          interpolate: column === 'best_test' ? ('step-after' as const) : ('linear' as const),
        },
        encoding: {
          x: { field: 'at', type: 'quantitative' as const, title: titles[of] },
          y: {
            field: 'value',
            type: 'quantitative' as const,
            title: titles[column],
            scale: { zero: false },
          },
          color: {
            field: 'name',
            type: 'nominal' as const,
            title: null,
            sort: own.map(({ name }) => name),
          },
        },
      },
    ];
  };
  return {
    vconcat: [...panel('step'), ...panel('query')],
    resolve: { scale: { color: 'independent' } },
  };
}
