import { z } from 'zod';
import { distanceParam, openDistance } from '../distances/index.js';
import {
  type BitTriplets,
  IntervalTriplets,
  lanes,
  spanEnd,
  spanFirst,
  stepsFor,
} from '../miners/selection.js';
import { noTriplet } from './idle.js';
import { defineLoss, type LossContext } from './loss.js';

/**
 * mean over the strictly positive entries of relu(d(a,p) − d(a,n) + margin), over triplets.
 */
export const tripletMargin = defineLoss({
  name: 'TripletMargin',
  summary: 'Pulls each positive nearer to its anchor than the negative, by a margin',
  formula: 'meanPos_T relu(pd(a,p) − pd(a,n) + margin)',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, TripletMarginLoss; arXiv 1503.03832',
  reducer: 'AvgNonZero',
  params: z.strictObject({
    margin: z
      .number()
      .min(0)
      .max(4)
      .default(0.1)
      .describe('by how much the negative should be farther than the positive, 0 … 4')
      .meta({ unit: 'distance' }),
    distance: distanceParam('Pairwise'),
  }),
  experiment: {
    miner: { name: 'TripletMargin', params: { margin: 0.1, type: 'semihard' } },
    weight: 1,
    batch: 512,
    learningRate: 1,
  },
  create({ margin, distance: name }) {
    const distance = openDistance(name);
    return {
      distance,
      terms: ['loss'],
      idle: noTriplet,
      row(context, a) {
        const triplets = context.selection.triplets();
        if (triplets instanceof IntervalTriplets) intervalRow(context, triplets, distance.sign, margin, a);
        else bitRow(context, triplets, distance.sign, margin, a);
      },
    };
  },
});

/** Distances to the positives in the order of the intervals, and the sums of the first k of them. */
let reach = new Float64Array(64);
let sums = new Float64Array(65);

/**
 * The positives of an interval are in order of distance, so that those with a positive loss are its last ones: a negative costs a step or
 * two, however many triplets it is in.
 */
function intervalRow(
  context: LossContext,
  { spans, order }: IntervalTriplets,
  sign: number,
  margin: number,
  a: number,
): void {
  const { batch, matrix, coefficients, low, high } = context;
  const { rows } = batch;
  const { pairStart, positive } = batch.classes;
  const begin = pairStart[a];
  const places = pairStart[a + 1] - begin;
  if (reach.length <= places) {
    reach = new Float64Array(2 * places + 1);
    sums = new Float64Array(2 * places + 2);
  }
  const offset = a * rows;
  let ordered = true;
  for (let k = 0; k < places; k++) {
    reach[k] = sign * matrix[offset + positive[order[begin + k]]];
    sums[k + 1] = sums[k] + reach[k];
    if (k > 0 && reach[k] < reach[k - 1]) ordered = false;
  }
  // Behind the last place: nothing to skip there.
  reach[places] = Number.POSITIVE_INFINITY;
  const steps = stepsFor(lanes * (places + 1));
  const cut = Math.max(0, low);
  let sum = 0;
  let tuples = 0;
  let counted = 0;
  for (let n = 0; n < rows; n++) {
    const span = spans[offset + n];
    let k = spanFirst(span);
    let last = spanEnd(span);
    if (k === last) continue;
    tuples += last - k;
    const value = sign * matrix[offset + n];
    const lane = (n & (lanes - 1)) * (places + 1);
    let active = 0;
    if (ordered) {
      if (!(reach[k] - value + margin > cut)) {
        while (k < last && !(reach[k] - value + margin > cut)) k++;
      }
      if (high < Number.POSITIVE_INFINITY) {
        while (last > k && !(reach[last - 1] - value + margin < high)) last--;
      }
      active = last - k;
      sum += sums[last] - sums[k] + active * (margin - value);
      steps[lane + k]++;
      steps[lane + last]--;
    } else {
      for (; k < last; k++) {
        const loss = reach[k] - value + margin;
        if (!(loss > cut && loss < high)) continue;
        sum += loss;
        active++;
        steps[lane + k]++;
        steps[lane + k + 1]--;
      }
    }
    counted += active;
    coefficients[offset + n] = -sign * active;
  }
  for (let k = 0, active = 0; k < places; k++) {
    for (let lane = 0; lane < lanes; lane++) active += steps[lane * (places + 1) + k];
    coefficients[offset + positive[order[begin + k]]] = sign * active;
  }
  context.sum[0][a] = sum;
  context.tuples[0][a] = tuples;
  context.counted[0][a] = counted;
}

function bitRow(
  context: LossContext,
  { words, width }: BitTriplets,
  sign: number,
  margin: number,
  a: number,
): void {
  const { batch, matrix, coefficients, low, high } = context;
  const { pairStart, positive } = batch.classes;
  const offset = a * batch.rows;
  const cut = Math.max(0, low);
  let sum = 0;
  let tuples = 0;
  let counted = 0;
  for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
    const p = positive[k];
    const reached = sign * matrix[offset + p];
    let active = 0;
    for (let w = 0; w < width; w++) {
      let word = words[k * width + w];
      while (word !== 0) {
        const n = (w << 5) + 31 - Math.clz32(word & -word);
        word &= word - 1;
        tuples++;
        const loss = reached - sign * matrix[offset + n] + margin;
        if (!(loss > cut && loss < high)) continue;
        sum += loss;
        active++;
        coefficients[offset + n] -= sign;
      }
    }
    coefficients[offset + p] = sign * active;
    counted += active;
  }
  context.sum[0][a] = sum;
  context.tuples[0][a] = tuples;
  context.counted[0][a] = counted;
}
