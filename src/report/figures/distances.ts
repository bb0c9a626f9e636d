import type { DistanceShare } from '../../core/space/distances.js';
import { defineFigure } from './figure.js';
import { distanceLabel, powersOfTen, thousands, titled } from './parts.js';

export interface DistancesData {
  space: string;
  pairs: number;
  /** The last one counts all that are further apart. */
  shares: DistanceShare[];
}

/** Shares of 1, 2, …, 6 and more edits between random cells of NAS-Bench-101, as the paper gives them (figure 1a). */
const paperShares = [0.0002, 0.0001, 0.0024, 0.0073, 0.0291, 0.0798, 0.8811];

const inPaper = ({ space }: DistancesData) => (space === 'nasbench101' ? paperShares : []);

const percent = (share: number) => `${(100 * share).toFixed(share < 0.001 ? 3 : share < 0.1 ? 2 : 1)} %`;

/** How far apart random cells are (paper figure 1a). */
export const distancesFigure = defineFigure<DistancesData>({
  name: 'distances',
  summary: 'exact edit distances between random cells',
  paper: '1a',
  describe(data) {
    const { space, pairs, shares } = data;
    const [nearest, further] = [shares.slice(0, 3), shares.at(-1)!];
    const near = nearest.reduce((sum, { share }) => sum + share, 0);
    return (
      `Shares of exact edit distances between ${thousands(pairs)} random pairs of cells of ${space}, on a logarithmic axis: ` +
      `${percent(near)} are at most three edits apart, ${percent(further.share)} more than ${further.distance - 1}.` +
      ` Bars through the points: 95 % confidence intervals (Wilson).${inPaper(data).length > 0 ? ' Diamonds: the paper’s shares.' : ''}`
    );
  },
  rows(data) {
    const paper = inPaper(data);
    return data.shares.map(({ distance, count, share, low, high }, i) => ({
      distance: distanceLabel(distance, data.shares.length),
      pairs: count,
      ...{ share, low, high },
      ...(paper.length > 0 && { paper: paper[i]! }),
    }));
  },
  spec(data, theme) {
    const kinds = ['measured, with 95 % interval', ...(inPaper(data).length > 0 ? ['paper'] : [])];
    // Zero has no place on a logarithmic axis: what was not seen is shown by its interval alone.
    const least = Math.min(...data.shares.flatMap(({ share }) => (share > 0 ? share : []))) / 2;
    const values = this.rows(data).flatMap(({ distance, share, low, high, paper = 0 }) => [
      {
        ...{ kind: kinds[0], distance, at: share, low: Math.max(Number(low), least), high },
        text: Number(share) > 0 ? percent(Number(share)) : 'none seen',
        above: Math.max(Number(high), Number(paper)),
      },
      ...(Number(paper) > 0 ? [{ kind: kinds[1], distance, at: paper }] : []),
    ]);
    const y = (field: string) => ({
      field,
      type: 'quantitative' as const,
      title: 'share of pairs',
      scale: { type: 'log' as const, domain: [least / 1.5, 2], nice: false },
      axis: { format: '~%', values: powersOfTen(least, 1) },
    });
    const kind = { field: 'kind', type: 'nominal' as const, title: null };
    const color = { ...kind, scale: { domain: kinds, range: [theme.series[0]!, theme.series[1]!] } };
    return {
      width: 560,
      height: 300,
      title: titled(
        `How far apart random cells are (${data.space})`,
        `Exact edit distances of ${thousands(data.pairs)} random pairs; logarithmic axis.`,
      ),
      data: { values },
      encoding: {
        x: {
          field: 'distance',
          type: 'ordinal',
          sort: data.shares.map(({ distance }) => distanceLabel(distance, data.shares.length)),
          title: 'edit distance',
          axis: { labelAngle: 0, grid: false },
        },
        xOffset: { ...kind, scale: { domain: kinds, paddingOuter: 2 } },
      },
      layer: [
        {
          transform: [{ filter: 'isValid(datum.low)' }],
          mark: { type: 'rule', strokeWidth: 2 },
          encoding: { y: y('low'), y2: { field: 'high' }, color },
        },
        {
          transform: [{ filter: 'datum.at > 0' }],
          mark: { type: 'point', filled: true, size: 80, opacity: 1 },
          encoding: {
            y: y('at'),
            color,
            shape: { ...kind, scale: { domain: kinds, range: ['circle', 'diamond'] } },
          },
        },
        {
          transform: [{ filter: 'isValid(datum.text)' }],
          mark: { type: 'text', dy: -12, fontSize: 10, color: theme.ink },
          encoding: { y: y('above'), text: { field: 'text' } },
        },
      ],
    };
  },
});
