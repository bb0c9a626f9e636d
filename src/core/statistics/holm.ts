/** Holm's correction: p values of several tests such that any of them below α is wrong with at most α. */
export function holm(p: readonly number[]): number[] {
  const order = [...p.keys()].sort((i, j) => p[i]! - p[j]!);
  const corrected = new Array<number>(p.length);
  let least = 0;
  order.forEach((index, k) => {
    least = Math.max(least, Math.min(1, (p.length - k) * p[index]!));
    corrected[index] = least;
  });
  return corrected;
}
