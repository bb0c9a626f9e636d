import type { Call } from '../kernels/kernels.js';
import type { LossContext } from './loss.js';

/** The two sums of an anchor: start + Σ_P e^(pull·(v − near)) and start + Σ_N e^(push·(v − far)); exponents below 700 in size. */
interface Sums {
  start: number;
  pull: number;
  near: number;
  push: number;
  far: number;
}

/** Kernels of losses that are a function of two such sums a row, each pair counting once. */
export function softMaxima(context: LossContext, { start, pull, near, push, far }: Sums): readonly Call[] {
  const { batch, selection, matrix, coefficients, distance } = context;
  const counts = context.counts();
  const { pairStart, positive } = batch.classArrays;
  return [
    ...selection.countPairs(batch, counts),
    [
      'softMaximumRows',
      ...[coefficients, context.own('sums', 2 * batch.rows), matrix],
      ...[counts.positives, counts.negatives, pairStart, positive, batch.rows, counts.stride],
      ...[start, pull, near, push, far, Number(distance.perValue)],
    ],
  ];
}

/**
 * Losses and totals of the rows from their two sums. The kernel has the derivative of log together + log apart but for the factors that pull
 * and push are: those of `value` must be their inverses, so that it is the loss's own.
 */
export function finishRows(
  { batch: { rows }, totals, sum, tuples, counted, coefficients, low, high, own }: LossContext,
  value: (together: number, apart: number) => number,
): void {
  const sums = own('sums', 2 * rows);
  totals.fill(0);
  for (let a = 0; a < rows; a++) {
    const loss = value(sums[a], sums[rows + a]);
    const counts = loss > low && loss < high;
    tuples[0][a] = 1;
    if (counts) {
      sum[0][a] = loss;
      counted[0][a] = 1;
    }
    // Where a relu has cut it off, it has no gradient.
    if (!counts || loss === 0) coefficients.fill(0, a * rows, (a + 1) * rows);
  }
}
