const levels = '▁▂▃▄▅▆▇█';

/**
 * Values as one line of text, a character each; those that are not finite are a space.
 *
 * @param range value of the lowest and of the highest level; default: those of `values`
 */
export function sparkline(values: readonly number[], range = rangeOf(values)): string {
  const [low, high] = range;
  const level = (value: number) => Math.floor(((value - low) / (high - low || 1)) * levels.length);
  return values
    .map((value) =>
      Number.isFinite(value) ? levels[Math.min(levels.length - 1, Math.max(0, level(value)))] : ' ',
    )
    .join('');
}

/** Smallest and largest of the values that are finite; of none, 0 and 0. */
export function rangeOf(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 0];
}
