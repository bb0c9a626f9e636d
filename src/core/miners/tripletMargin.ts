import { z } from 'zod';
import type { Classes, Distance } from '../distances/index.js';
import { distanceParam, openDistance } from '../distances/index.js';
import { defineMiner, type Miner } from './miner.js';
import { IntervalTriplets, packSpan } from './selection.js';

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

/** Which of an anchor's places make a triplet with a negative. */
interface Rule {
  margin: number;
  /**
   * The {@link packSpan span} for a negative that has `near` positives nearer to the anchor than itself, `far` of them by more than the
   * margin, of `places` in all.
   */
  span(far: number, near: number, places: number): number;
}

const rules: Record<TripletKind, Rule['span']> = {
  all: (far, _, places) => packSpan(far, places),
  hard: (_, near, places) => packSpan(near, places),
  semihard: (far, near) => packSpan(far, near),
  easy: (far) => packSpan(0, far),
};

function tripletMarginMiner(margin: number, type: TripletKind, distance: Distance): Miner {
  const rule: Rule = { margin, span: rules[type] };
  const scale = scaleOf(distance);
  return {
    mine(batch) {
      const { rows, classes } = batch;
      const arena = batch.scratch(this);
      const order = arena.int32('order', classes.pairs);
      const mined = arena.int32('mined', rows * rows);
      if (!batch.finite) {
        mined.fill(0);
        return new IntervalTriplets(classes, order, mined, 0);
      }
      const matrix = distance.matrix(batch);
      let size = 0;
      for (let a = 0; a < rows; a++) {
        const places = sortPositives(matrix, distance.sign, classes, a, order);
        fillSpans(rule, scale, places);
        size += mineAnchor(matrix, distance.sign, scale, rule, classes, a, places, mined);
      }
      return new IntervalTriplets(classes, order, mined, size);
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
 * The distance range cut into buckets: for a negative in bucket b the span of its triplets is `spans[b]`, unless a threshold lies in that
 * bucket (`undecided`); then at least `nearer[b]` positives are nearer and `beyond[b]` lie more than the margin nearer, and those with their
 * threshold in the bucket are compared.
 */
const buckets = 512;
const spans = new Int32Array(buckets);
const nearer = new Int32Array(buckets);
const beyond = new Int32Array(buckets);
const undecided = -1;

/** From signed distances to buckets; both ends lie a little outside the range, for distances that rounding or ε carry past it. */
interface Scale {
  low: number;
  perUnit: number;
}

function scaleOf({ sign, range: [smallest, largest] }: Distance): Scale {
  const spare = 1e-3 * (largest - smallest);
  return {
    low: (sign > 0 ? smallest : -largest) - spare,
    perUnit: buckets / (largest - smallest + 2 * spare),
  };
}

/** Places around a threshold, wide enough for any rounding. */
const slack = 1e-9;

/** Fills `spans` for the current anchor. */
function fillSpans(rule: Rule, { low, perUnit }: Scale, places: number): void {
  const bucketOf = (value: number) => Math.min(buckets, Math.floor((value - low) * perUnit));
  let near = 0;
  let far = 0;
  let b = 0;
  while (near < places || far < places) {
    const nextNear = near < places ? bucketOf(sorted[near]) : buckets;
    const nextFar = far < places ? bucketOf(sorted[far] + rule.margin - slack) : buckets;
    const next = Math.min(nextNear, nextFar);
    const span = rule.span(far, near, places);
    for (; b < next; b++) spans[b] = span;
    const last = nextFar === next ? bucketOf(sorted[far] + rule.margin + slack) : next;
    for (; b <= last && b < buckets; b++) {
      spans[b] = undecided;
      nearer[b] = near;
      beyond[b] = far;
    }
    if (nextNear === next) near++;
    if (nextFar === next) far++;
  }
  const span = rule.span(far, near, places);
  for (; b < buckets; b++) spans[b] = span;
}

/** The span of a negative in an undecided bucket. */
function compare({ margin, span }: Rule, value: number, bucket: number, places: number): number {
  let near = nearer[bucket];
  while (near < places && sorted[near] < value) near++;
  let far = beyond[bucket];
  while (far < near && value - sorted[far] > margin) far++;
  return span(far, near, places);
}

/** Fills row a of `mined`; returns the number of triplets. */
function mineAnchor(
  matrix: Float64Array,
  sign: number,
  { low, perUnit }: Scale,
  rule: Rule,
  { rows, classOf, start, member }: Classes,
  a: number,
  places: number,
  mined: Int32Array,
): number {
  const offset = a * rows;
  let size = 0;
  for (let n = 0; n < rows; n++) {
    const value = sign * matrix[offset + n];
    const bucket = ((value - low) * perUnit) | 0;
    let span = spans[bucket];
    if (span === undecided) span = compare(rule, value, bucket, places);
    mined[offset + n] = span;
    size += (span & 0xffff) - (span >>> 16);
  }
  const own = classOf[a];
  for (let m = start[own]; m < start[own + 1]; m++) {
    const at = offset + member[m];
    size -= (mined[at] & 0xffff) - (mined[at] >>> 16);
    mined[at] = 0;
  }
  return size;
}
