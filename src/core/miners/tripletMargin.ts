import { z } from 'zod';
import type { Classes, Distance } from '../distances/index.js';
import { distanceParam, openDistance } from '../distances/index.js';
import { defineMiner, type Miner } from './miner.js';
import { IntervalTriplets } from './selection.js';

const kinds = ['all', 'hard', 'semihard', 'easy'] as const;
export type TripletKind = (typeof kinds)[number];

/**
 * Triplets by how far the negative lies beyond the positive, gap = d(a,n) − d(a,p):
 * all: gap ≤ m; hard: gap ≤ m and d(a,n) ≤ d(a,p); semihard: gap ≤ m and d(a,n) > d(a,p); easy: gap > m.
 *
 * With an anchor's positives in order of distance, each of these holds for neighbouring positives, so that a negative needs two places
 * in that order ({@link IntervalTriplets}) and no triplet is ever looked at.
 */
export const tripletMargin = defineMiner({
  name: 'TripletMargin',
  summary: 'Triplets whose negative is not farther than the positive by more than a margin',
  formula: 'gap = d(a,n) − d(a,p) ≤ margin; hard: gap ≤ 0; semihard: gap > 0; easy: gap > margin instead',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, TripletMarginMiner; FaceNet, arXiv 1503.03832',
  params: z.strictObject({
    margin: z
      .number()
      .min(0)
      .max(4)
      .default(0.1)
      .describe('gap up to which a triplet is mined, 0 … 4')
      .meta({ unit: 'distance' }),
    type: z.enum(kinds).default('semihard').describe('which triplets: all, hard, semihard or easy'),
    distance: distanceParam('Pairwise'),
  }),
  create: ({ margin, type, distance }) => tripletMarginMiner(margin, type, openDistance(distance)),
});

function tripletMarginMiner(margin: number, type: TripletKind, distance: Distance): Miner {
  return {
    mine(batch) {
      const { rows, classes } = batch;
      const arena = batch.scratch(this);
      const order = arena.int32('order', classes.pairs);
      const first = arena.uint16('first', rows * rows);
      const end = arena.uint16('end', rows * rows);
      if (!batch.finite) {
        first.fill(0);
        end.fill(0);
        return new IntervalTriplets(classes, order, first, end, 0);
      }
      const matrix = distance.matrix(batch);
      let size = 0;
      for (let a = 0; a < rows; a++) {
        const places = sortPositives(matrix, distance.sign, classes, a, order);
        fillSteps(distance.range, distance.sign, places, margin);
        size += mineAnchor(matrix, distance, classes, a, places, margin, type, first, end);
      }
      return new IntervalTriplets(classes, order, first, end, size);
    },
  };
}

/** Signed distances of the current anchor's positives, ascending. */
let sorted = new Float64Array(64);

/** Puts the pairs of anchor a in order of distance, distances into `sorted`; returns their number. */
function sortPositives(
  matrix: Float64Array,
  sign: number,
  { rows, pairStart, positive }: Classes,
  a: number,
  order: Int32Array,
): number {
  const begin = pairStart[a];
  const places = pairStart[a + 1] - begin;
  if (sorted.length < places) sorted = new Float64Array(2 * places);
  if (places <= 32) {
    for (let place = 0; place < places; place++) {
      const value = sign * matrix[a * rows + positive[begin + place]];
      let at = place;
      for (; at > 0 && sorted[at - 1] > value; at--) {
        sorted[at] = sorted[at - 1];
        order[begin + at] = order[begin + at - 1];
      }
      sorted[at] = value;
      order[begin + at] = begin + place;
    }
    return places;
  }
  const mine = order.subarray(begin, begin + places);
  for (let place = 0; place < places; place++) mine[place] = begin + place;
  const value = (k: number) => sign * matrix[a * rows + positive[k]];
  mine.sort((k, l) => value(k) - value(l) || k - l);
  for (let place = 0; place < places; place++) sorted[place] = value(mine[place]);
  return places;
}

/**
 * The distance range cut into buckets. For a negative in bucket b, at least `nearer[b]` positives are nearer, and at least `beyond[b]` lie
 * more than the margin nearer; the few positives whose threshold falls into the same bucket are compared one by one.
 */
const buckets = 128;
const nearer = new Int32Array(buckets);
const beyond = new Int32Array(buckets);
const slack = 1e-9;

const bucketOf = (value: number, low: number, scale: number) => {
  const b = ((value - low) * scale) | 0;
  return b < 0 ? 0 : b >= buckets ? buckets - 1 : b;
};

const scaleOf = ([low, high]: readonly [number, number]) => buckets / (high - low);

function fillSteps(range: readonly [number, number], sign: number, places: number, margin: number): void {
  const low = sign > 0 ? range[0] : -range[1];
  const scale = scaleOf(range);
  let near = 0;
  let far = 0;
  for (let b = 0; b < buckets; b++) {
    while (near < places && bucketOf(sorted[near], low, scale) < b) near++;
    // A little past the margin, so that rounding can only send a positive to the comparison.
    while (far < places && bucketOf(sorted[far] + margin + slack, low, scale) < b) far++;
    nearer[b] = near;
    beyond[b] = far;
  }
}

/** Fills row a of `first` and `end`; returns the number of triplets. */
function mineAnchor(
  matrix: Float64Array,
  { range, sign }: Distance,
  { rows, classOf }: Classes,
  a: number,
  places: number,
  margin: number,
  type: TripletKind,
  first: Uint16Array,
  end: Uint16Array,
): number {
  const low = sign > 0 ? range[0] : -range[1];
  const scale = scaleOf(range);
  const own = classOf[a];
  const offset = a * rows;
  // The triplet's positives: from `beyond` or `nearer` or 0, up to `nearer` or `beyond` or all.
  const fromNearer = type === 'hard';
  const fromStart = type === 'easy';
  const toNearer = type === 'semihard';
  const toEnd = type === 'all' || type === 'hard';
  let size = 0;
  for (let n = 0; n < rows; n++) {
    if (classOf[n] === own) {
      first[offset + n] = 0;
      end[offset + n] = 0;
      continue;
    }
    const value = sign * matrix[offset + n];
    const b = bucketOf(value, low, scale);
    let near = nearer[b];
    while (near < places && sorted[near] < value) near++;
    let far = beyond[b];
    while (far < places && value - sorted[far] > margin) far++;
    const from = fromStart ? 0 : fromNearer ? near : far;
    const to = toEnd ? places : toNearer ? near : far;
    first[offset + n] = from;
    end[offset + n] = to;
    size += to - from;
  }
  return size;
}
