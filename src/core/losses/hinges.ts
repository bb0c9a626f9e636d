import type { Call } from '../kernels/kernels.js';
import type { Selection } from '../miners/index.js';
import type { LossContext } from './loss.js';

/**
 * Kernels of relu(d − near) over the positive pairs and relu(far − d) over the negative ones, as often as they occur: two terms. For a
 * similarity the two differences are turned round.
 */
export function hinges(
  context: LossContext,
  near: number,
  far: number,
  selection: Selection = context.selection,
): readonly Call[] {
  const { batch, matrix, coefficients, distance, totals, low, high } = context;
  const counts = context.counts();
  const { pairStart, positive } = batch.classArrays;
  return [
    ...selection.countPairs(batch, counts),
    [
      'hingeRows',
      ...[coefficients, totals, context.own('active', 2 * batch.rows), matrix],
      ...[counts.positives, counts.negatives, pairStart, positive, batch.rows, counts.stride],
      ...[distance.sign, near, far, low, high, Number(distance.perValue)],
    ],
  ];
}

/** Of the positive and the negative pairs, how many have a loss above 0, with repetition. */
export function activePairs({ batch: { rows }, own }: LossContext): [positives: number, negatives: number] {
  const active = own('active', 2 * rows);
  let positives = 0;
  let negatives = 0;
  for (let a = 0; a < rows; a++) {
    positives += active[a];
    negatives += active[rows + a];
  }
  return [positives, negatives];
}
