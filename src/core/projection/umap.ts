import { breathe } from '../breathe.js';
import type { Random } from '../random/random.js';
import { NearestIndex } from './nearestIndex.js';

export const umapMetrics = ['euclidean', 'cosine'] as const;
export type UmapMetric = (typeof umapMetrics)[number];

export interface UmapSettings {
  /** Neighbours that the layout keeps together. */
  neighbors: number;
  /** Least distance of points in the plane. */
  minDist: number;
  metric: UmapMetric;
}

/** A layout in the plane. */
export interface UmapLayout {
  /** Of the points that it was made from, row-major [rows, 2]. */
  readonly points: Float32Array;
  /**
   * Where further points belong, row-major [rows, 2]: between their nearest among the points of the layout, weighted by UMAP's own
   * membership strengths (McInnes et al. 2018, §3.1; umap-learn's `transform` before its refinement). A point of the layout stays where it is (of several in the same place: where the first is).
   */
  place(values: Float32Array): Float32Array;
}

/**
 * UMAP (arXiv 1802.03426, by umap-js) of `values`, row-major [rows, width], on exact nearest neighbours. Equal values and streams give
 * equal layouts. `rows` must be more than `neighbors`.
 */
export async function fitUmap(
  values: Float32Array,
  width: number,
  { neighbors, minDist, metric }: UmapSettings,
  random: Random,
  isAbandoned: () => boolean = () => false,
): Promise<UmapLayout> {
  const { UMAP } = await import('umap-js');
  const metricValues = metric === 'cosine' ? normalised(values, width) : values;
  const distance = metric === 'cosine' ? (d: number) => (d * d) / 2 : (d: number) => d;
  const index = new NearestIndex(metricValues, width);
  const rows = values.length / width;
  const knn: { rows: number[]; distances: number[] }[] = [];
  for (let row = 0; row < rows && !isAbandoned(); row++) {
    await breathe();
    const near = index.find(metricValues, row * width, neighbors);
    knn.push(selfFirst(row, [...near.rows], Array.from(near.distances, distance)));
  }
  const umap = new UMAP({ nNeighbors: neighbors, minDist, random: () => random.float() });
  umap.setPrecomputedKNN(
    knn.map((near) => near.rows),
    knn.map((near) => near.distances),
  );
  const epochs = isAbandoned() ? 0 : umap.initializeFit(Array.from({ length: rows }, (_, row) => [row]));
  for (let epoch = 0; epoch < epochs && !isAbandoned(); epoch++) {
    umap.step();
    await breathe();
  }
  const points = Float32Array.from(umap.getEmbedding().flat());
  return {
    points,
    place(more) {
      const given = metric === 'cosine' ? normalised(more, width) : more;
      const count = more.length / width;
      const placed = new Float32Array(2 * count);
      for (let row = 0; row < count; row++) {
        const near = index.find(given, row * width, neighbors);
        const strengths = membership(near.distances.map(distance));
        let [x, y, sum] = [0, 0, 0];
        for (const [i, strength] of strengths.entries()) {
          x += strength * points[2 * near.rows[i]!]!;
          y += strength * points[2 * near.rows[i]! + 1]!;
          sum += strength;
        }
        placed[2 * row] = x / sum;
        placed[2 * row + 1] = y / sum;
      }
      return placed;
    },
  };
}

/** UMAP takes a point for its own first neighbour, also where others lie in the same place. */
function selfFirst(row: number, rows: number[], distances: number[]) {
  const at = rows.indexOf(row);
  rows.splice(at < 0 ? rows.length - 1 : at, 1);
  distances.splice(at < 0 ? distances.length - 1 : at, 1);
  return { rows: [row, ...rows], distances: [0, ...distances] };
}

/**
 * Membership strengths of the nearest, by their ascending distances: exp(−(d − d₀)/σ), with σ such that they sum to log₂ k. Where the nearest
 * is the point itself, all weight is on it.
 */
function membership(distances: Float64Array): Float64Array {
  const [nearest = 0] = distances;
  if (nearest === 0) return distances.map((_, i) => (i === 0 ? 1 : 0));
  const target = Math.log2(distances.length);
  const strengths = (sigma: number) => distances.map((d) => Math.exp(-(d - nearest) / sigma));
  let [low, high, sigma] = [0, Number.POSITIVE_INFINITY, 1];
  for (let round = 0; round < 64; round++) {
    const sum = strengths(sigma).reduce((a, b) => a + b, 0);
    if (Math.abs(sum - target) < 1e-5) break;
    if (sum > target) high = sigma;
    else low = sigma;
    sigma = high === Number.POSITIVE_INFINITY ? sigma * 2 : (low + high) / 2;
  }
  return strengths(sigma);
}

function normalised(values: Float32Array, width: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += width) {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += values[at + k]! ** 2;
    const norm = Math.sqrt(sum) || 1;
    for (let k = 0; k < width; k++) out[at + k] = values[at + k]! / norm;
  }
  return out;
}
