import type { AccuracyDistance } from '../../analytics/accuracyDistance.js';
import { defineFigure } from './figure.js';
import { distanceLabel, thousands, titled } from './parts.js';

const points = (fraction: number) => (100 * fraction).toFixed(2);

/** How much accuracies differ between cells so many edits apart (paper figure 1b). */
export const accuracyDistanceFigure = defineFigure<AccuracyDistance>({
  name: 'accuracy-distance',
  summary: 'difference of test accuracy against exact edit distance, on a benchmark',
  paper: '1b',
  describe({ benchmark, cells, groups }) {
    const shown = groups.filter(({ pairs }) => pairs > 0);
    const [first, last] = [shown[0], shown.at(-1)];
    return (
      `Absolute difference of mean test accuracy on ${benchmark} between cells of a given exact edit distance, from ${thousands(cells)} random cells, their positives and random partners.` +
      (first && last
        ? ` The median grows from ${points(first.median)} percentage points at ${distanceLabel(first.distance, groups.length)} to ${points(last.median)} at ${distanceLabel(last.distance, groups.length)} edits.`
        : '') +
      ' Boxes: middle half of the pairs; lines: 10 % to 90 %; tick: median; point: mean.'
    );
  },
  rows: ({ groups }) =>
    groups.map(({ distance, ...group }) => ({ distance: distanceLabel(distance, groups.length), ...group })),
  spec(data, theme) {
    const { benchmark, cells, groups } = data;
    const values = this.rows(data)
      .filter(({ pairs }) => Number(pairs) > 0)
      .map((row) => ({ ...row, n: `n = ${thousands(Number(row.pairs))}` }));
    const y = (field: string) => ({
      field,
      type: 'quantitative' as const,
      title: 'difference of test accuracy (percentage points)',
    });
    const scaled = ['mean', 'q10', 'q25', 'median', 'q75', 'q90'];
    return {
      width: 560,
      height: 320,
      title: titled(
        `Cells a few edits apart perform alike (${benchmark})`,
        `${thousands(cells)} random cells with positives and random partners. Boxes: middle half of the pairs; lines: 10 % to 90 %; tick: median; point: mean.`,
      ),
      data: { values },
      transform: scaled.map((field) => ({ calculate: `100 * datum.${field}`, as: field })),
      encoding: {
        x: {
          field: 'distance',
          type: 'ordinal',
          sort: groups.map(({ distance }) => distanceLabel(distance, groups.length)),
          title: 'exact edit distance',
          axis: { labelAngle: 0, grid: false },
        },
      },
      layer: [
        { mark: { type: 'rule', color: theme.muted }, encoding: { y: y('q10'), y2: { field: 'q90' } } },
        {
          mark: { type: 'bar', size: 26, color: theme.series[0]!, opacity: 0.75 },
          encoding: { y: y('q25'), y2: { field: 'q75' } },
        },
        {
          mark: { type: 'tick', size: 26, thickness: 2.5, color: theme.ink },
          encoding: { y: y('median') },
        },
        {
          mark: { type: 'point', filled: true, size: 50, color: theme.series[1]!, opacity: 1 },
          encoding: { y: y('mean') },
        },
        {
          mark: { type: 'text', dy: -8, fontSize: 10, color: theme.muted },
          encoding: { y: y('q90'), text: { field: 'n' } },
        },
      ],
    };
  },
});
