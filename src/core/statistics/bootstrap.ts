import { stream } from '../random/random.js';

/** A mean and the interval that holds the true one with 95 %. */
export interface MeanInterval {
  mean: number;
  low: number;
  high: number;
}

/**
 * Mean and 95 % percentile bootstrap interval. The resamples are drawn from a stream of their own: equal values give equal intervals. With one
 * value, both ends are NaN.
 *
 * @param resamples fewer cost less and say the ends less exactly: for bands in a plot 1,000 do
 */
export function meanInterval(values: readonly number[], resamples = 10_000): MeanInterval {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, low: Number.NaN, high: Number.NaN };
  const random = stream(0, 'bootstrap', n);
  const means = new Float64Array(resamples);
  for (let k = 0; k < resamples; k++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[random.int(n)]!;
    means[k] = sum / n;
  }
  means.sort();
  return { mean, low: means[Math.floor(0.025 * resamples)]!, high: means[Math.ceil(0.975 * resamples) - 1]! };
}
