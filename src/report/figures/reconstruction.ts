import type { StepPoint } from '../steps.js';
import { defineFigure } from './figure.js';
import { listed, seriesEncoding, titled } from './parts.js';

/** A pretraining, and what weight the reconstruction loss had in it. */
export interface ReconstructionRun {
  name: string;
  /** Weight of L_rec; 0: the metric loss alone. */
  weight: number;
  points: StepPoint[];
}

const label = ({ name, weight }: ReconstructionRun) =>
  `${name}, ${weight === 0 ? 'without L_rec' : weight === 1 ? 'with L_rec' : `${weight} · L_rec`}`;

const panels = [
  ['metric', 'metric loss'],
  ['reconstruction', 'reconstruction loss'],
  ['spread', 'spread of embeddings'],
  ['effective_rank', 'effective rank of embeddings'],
] as const;

/** What the reconstruction loss does for the embedding: pretrainings with and without it (paper figure 3). */
export const reconstructionFigure = defineFigure<{ runs: ReconstructionRun[] }>({
  name: 'reconstruction',
  summary: 'pretraining with and without the reconstruction loss: losses, spread and rank of embeddings',
  paper: '3',
  describe: ({ runs }) =>
    `The regularising effect of the reconstruction loss: ${listed(runs.map(label))}. Over the training steps, metric loss, reconstruction loss, ` +
    'spread (mean standard deviation of the coordinates; at most 0.25 in 16 dimensions) and effective rank (1 to 16) of the embeddings of a batch. ' +
    runs
      .map((run) => {
        const last = run.points.at(-1)!;
        return `${label(run)}: in the end metric loss ${last.metric.toFixed(3)}, reconstruction loss ${last.reconstruction.toFixed(3)}, spread ${last.spread.toFixed(3)}, effective rank ${last.effective_rank.toFixed(1)}.`;
      })
      .join(' '),
  rows: ({ runs }) =>
    runs.flatMap(({ name, weight, points }) => points.map((point) => ({ name, weight, ...point }))),
  spec({ runs }, theme) {
    const values = runs.flatMap((run) => run.points.map((point) => ({ ...point, name: label(run) })));
    const series = seriesEncoding(runs.map(label), theme);
    const panel = ([field, title]: (typeof panels)[number]) => ({
      width: 300,
      height: 180,
      mark: { type: 'line' as const, strokeWidth: 1.6 },
      transform: [{ filter: `isValid(datum.${field}) && isFinite(datum.${field})` }],
      encoding: {
        x: {
          field: 'step',
          type: 'quantitative' as const,
          title: 'step',
          axis: { format: ',d', tickCount: 4 },
        },
        y: { field, type: 'quantitative' as const, title },
        ...series,
      },
    });
    return {
      title: titled(
        'The reconstruction loss as a regulariser',
        'Pretrainings of equal settings but for the weight of L_rec. Spread: mean standard deviation of the coordinates. Effective rank: dimensions in use, 1 to 16.',
      ),
      data: { values },
      vconcat: [{ hconcat: panels.slice(0, 2).map(panel) }, { hconcat: panels.slice(2).map(panel) }],
    };
  },
});
