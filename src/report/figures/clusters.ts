import { defineFigure } from './figure.js';
import { listed, titled } from './parts.js';

/** A cell in the plane that UMAP made. */
export interface ClusterPoint {
  x: number;
  y: number;
  /** Number of its class, from 0. */
  cluster: number;
  anchor: boolean;
}

export interface ClusterPanel {
  /** Run, and settings of UMAP. */
  name: string;
  minDist: number;
  neighbors: number;
  metric: string;
  /** Share of the ten nearest in the embedding itself (not in the plane) that are of the same class. */
  purity: number;
  points: ClusterPoint[];
}

export interface ClustersData {
  space: string;
  panels: ClusterPanel[];
}

const setting = ({ minDist, neighbors, metric }: ClusterPanel) =>
  `min_dist ${minDist}, n_neighbors ${neighbors}, ${metric}`;

const shapes = ['circle', 'square', 'triangle-up', 'diamond'];

/** Classes of anchors and positives in the plane (paper figure 2). */
export const clustersFigure = defineFigure<ClustersData>({
  name: 'clusters',
  summary: 'UMAP of the embeddings of anchors and their positives, with both of the paper’s settings',
  paper: '2',
  describe({ space, panels }) {
    const names = [...new Set(panels.map(({ name }) => name))];
    const { points } = panels[0]!;
    const classes = new Set(points.map(({ cluster }) => cluster)).size;
    return (
      `UMAP of the embeddings of ${classes} classes of ${space}, an anchor (ringed) and its positives each, ${points.length} cells, from ${listed(names)}. ` +
      `Settings: ${listed([...new Set(panels.map(setting))])}. ` +
      names
        .map((name) => {
          const { purity } = panels.find((panel) => panel.name === name)!;
          return `${name}: of the ten nearest in the embedding ${(100 * purity).toFixed(0)} % are of the same class.`;
        })
        .join(' ')
    );
  },
  rows: ({ panels }) =>
    panels.flatMap(({ name, minDist, neighbors, metric, points }) =>
      points.map(({ anchor, ...point }) => ({
        ...{ name, minDist, neighbors, metric },
        ...point,
        anchor: anchor ? 1 : 0,
      })),
    ),
  spec({ space, panels }, theme) {
    const classes = Math.max(...panels.flatMap(({ points }) => points.map(({ cluster }) => cluster))) + 1;
    const domain = Array.from({ length: classes }, (_, i) => i);
    const colours = theme.series.length;
    const axis = { axis: null, scale: { zero: false, nice: false, padding: 14 } };
    const drawn = (panel: ClusterPanel) => ({
      title: { text: panel.name, subtitle: setting(panel), fontSize: 12, offset: 6 },
      width: 330,
      height: 330,
      data: { values: panel.points },
      encoding: {
        x: { field: 'x', type: 'quantitative' as const, ...axis },
        y: { field: 'y', type: 'quantitative' as const, ...axis },
      },
      layer: [
        {
          mark: { type: 'point' as const, filled: true, size: 32, opacity: 0.85 },
          encoding: {
            color: {
              field: 'cluster',
              type: 'nominal' as const,
              legend: null,
              scale: { domain, range: domain.map((i) => theme.series[i % colours]!) },
            },
            shape: {
              field: 'cluster',
              type: 'nominal' as const,
              legend: null,
              scale: { domain, range: domain.map((i) => shapes[Math.floor(i / colours) % shapes.length]!) },
            },
          },
        },
        {
          transform: [{ filter: 'datum.anchor' }],
          mark: {
            type: 'point' as const,
            filled: false,
            size: 150,
            strokeWidth: 2,
            color: theme.ink,
            opacity: 1,
          },
        },
      ],
    });
    const names = [...new Set(panels.map(({ name }) => name))];
    return {
      title: titled(
        `Classes in the plane (${space})`,
        `UMAP of the embeddings of ${classes} classes: an anchor (ringed) and its positives. Colour and shape: class.`,
      ),
      vconcat: names.map((name) => ({
        bounds: 'flush' as const,
        spacing: 30,
        hconcat: panels.filter((panel) => panel.name === name).map(drawn),
      })),
    };
  },
});
