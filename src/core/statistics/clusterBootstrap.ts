import { stream } from '../random/random.js';
import type { MeanInterval } from './bootstrap.js';
import { mean } from './moments.js';

/** Values in groups that have something in common: searches on one pretraining. */
export type Clusters = readonly (readonly number[])[];

const resamples = 10_000;

/**
 * Mean of `a` minus mean of `b` (means over clusters, each cluster counting the same) and its 95 % percentile bootstrap interval: clusters are drawn
 * with repetition, and values within each that was drawn. Both ends are NaN where a side has fewer than two clusters.
 */
export function clusterDifference(a: Clusters, b: Clusters): MeanInterval {
  const difference = mean(a.map(mean)) - mean(b.map(mean));
  if (a.length < 2 || b.length < 2) return { mean: difference, low: Number.NaN, high: Number.NaN };
  const random = stream(0, 'cluster-bootstrap', a.length, b.length);
  const draw = (clusters: Clusters) => {
    let sum = 0;
    for (let i = 0; i < clusters.length; i++) {
      const cluster = clusters[random.int(clusters.length)]!;
      let inside = 0;
      for (let j = 0; j < cluster.length; j++) inside += cluster[random.int(cluster.length)]!;
      sum += inside / cluster.length;
    }
    return sum / clusters.length;
  };
  const found = Float64Array.from({ length: resamples }, () => draw(a) - draw(b)).sort();
  return {
    mean: difference,
    low: found[Math.floor(0.025 * resamples)]!,
    high: found[Math.ceil(0.975 * resamples) - 1]!,
  };
}
