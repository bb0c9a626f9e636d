/**
 * Exact two-sided p of the Mann–Whitney U test, ties included: the share of all ways of dealing the values out to the two samples in which the rank
 * sum is at least as far from its mean as here. For small samples, where the normal approximation of {@link mannWhitney} is not good; takes
 * (n + m)² · n steps. 1 where all values are equal; NaN where a sample is empty.
 */
export function exactMannWhitney(a: readonly number[], b: readonly number[]): number {
  const [n, total] = [a.length, a.length + b.length];
  if (n === 0 || total === n) return Number.NaN;
  const ranks = doubledRanks([...a, ...b]);
  const sum = ranks.slice(0, n).reduce((x, y) => x + y, 0);
  // Ways to draw `count` of the ranks with each sum: one rank after the other.
  const most = ranks.reduce((x, y) => x + y, 0);
  const ways = Array.from({ length: n + 1 }, () => new Float64Array(most + 1));
  ways[0]![0] = 1;
  for (const rank of ranks) {
    for (let count = n; count > 0; count--) {
      const [into, from] = [ways[count]!, ways[count - 1]!];
      for (let at = most; at >= rank; at--) into[at]! += from[at - rank]!;
    }
  }
  const center = n * (total + 1); // of doubled ranks
  const far = Math.abs(sum - center);
  let [extreme, all] = [0, 0];
  ways[n]!.forEach((number, at) => {
    all += number;
    if (Math.abs(at - center) >= far) extreme += number;
  });
  return extreme / all;
}

/** Twice the rank of each value, from 2; equal values share the mean of theirs, so that all are whole. */
function doubledRanks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((i, j) => values[i]! - values[j]!);
  const ranks = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) ranks[order[i]!] = from + to + 1;
    from = to;
  }
  return ranks;
}
