/** Where the values of a group lie. All are NaN of an empty group. */
export interface Spread {
  mean: number;
  /** Standard deviation of the group itself. */
  deviation: number;
  /** Quantiles, linear between values. */
  q10: number;
  q25: number;
  median: number;
  q75: number;
  q90: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const sorted = Float64Array.from(values).sort();
  const quantile = (share: number) => {
    const at = share * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
    return low + (at - Math.floor(at)) * (high - low);
  };
  const [q10, q25, median, q75, q90] = [0.1, 0.25, 0.5, 0.75, 0.9].map((share) =>
    sorted.length === 0 ? Number.NaN : quantile(share),
  ) as [number, number, number, number, number];
  return { mean, deviation, q10, q25, median, q75, q90 };
}
