import type { StepPoint } from '../steps.js';
import { defineFigure } from './figure.js';
import { listed, powersOfTen, seriesEncoding, thousands, titled } from './parts.js';

export interface LossData {
  runs: { name: string; points: StepPoint[] }[];
}

const hasMetric = ({ runs }: LossData) => runs.some(({ points }) => points.some(({ metric }) => metric > 0));

/** The losses of pretrainings over their steps (eq. 2). */
export const lossFigure = defineFigure<LossData>({
  name: 'loss',
  summary: 'reconstruction and metric loss over the steps of pretrainings',
  describe: ({ runs }) =>
    `Reconstruction and metric loss (eq. 2) over the training steps of ${listed(runs.map(({ name }) => name))}. ` +
    runs
      .map(({ name, points }) => {
        const last = points.at(-1)!;
        return `${name} ends after ${thousands(last.step + 1)} steps with a reconstruction loss of ${last.reconstruction.toPrecision(3)}${
          last.metric > 0 ? ` and a metric loss of ${last.metric.toFixed(3)}` : ''
        }.`;
      })
      .join(' '),
  rows: ({ runs }) => runs.flatMap(({ name, points }) => points.map((point) => ({ name, ...point }))),
  spec(data, theme) {
    const names = data.runs.map(({ name }) => name);
    const panel = (field: 'reconstruction' | 'metric', title: string, log = false) => ({
      width: 560,
      height: 180,
      mark: { type: 'line' as const, strokeWidth: 1.6 },
      // A metric loss of nothing, and what is not a number, have no place on the axis.
      transform: [{ filter: `isValid(datum.${field}) && isFinite(datum.${field}) && datum.${field} > 0` }],
      encoding: {
        x: {
          field: 'step',
          type: 'quantitative' as const,
          title: 'step',
          axis: { format: ',d', tickCount: 7 },
        },
        y: {
          field,
          type: 'quantitative' as const,
          title,
          scale: log ? { type: 'log' as const } : { zero: false },
          ...(log && { axis: { values: powersOfTen(1e-9, 1e9) } }),
        },
        ...seriesEncoding(names, theme),
      },
    });
    return {
      title: titled(
        'Losses of pretraining',
        'Means of neighbouring steps; each loss before its weight. Reconstruction: logarithmic.',
      ),
      data: { values: this.rows(data) },
      vconcat: [
        panel('reconstruction', 'reconstruction loss', true),
        ...(hasMetric(data) ? [panel('metric', 'metric loss')] : []),
      ],
    };
  },
});
