import { z } from 'zod';
import type { Distance } from '../distances/index.js';
import { distanceParam, openDistance } from '../distances/index.js';
import { kernels } from '../kernels/kernels.js';
import { total } from './bits.js';
import { defineMiner, type Miner } from './miner.js';
import { IntervalTriplets } from './selection.js';

const kinds = ['all', 'hard', 'semihard', 'easy'] as const;
export type TripletKind = (typeof kinds)[number];

/**
 * Triplets by how far the negative lies beyond the positive, gap = d(a,n) − d(a,p):
 * all: gap ≤ m; hard: gap ≤ m and d(a,n) ≤ d(a,p); semihard: gap ≤ m and d(a,n) > d(a,p); easy: gap > m.
 *
 * With an anchor's positives in order of distance, each of these holds for neighbouring positives, so that a negative needs two places
 * in that order ({@link IntervalTriplets}).
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
      .describe('gap up to which a triplet is mined')
      .meta({ unit: 'distance' }),
    type: z.enum(kinds).default('semihard').describe('which triplets'),
    distance: distanceParam('Pairwise'),
  }),
  create: ({ margin, type, distance }) => tripletMarginMiner(margin, type, openDistance(distance)),
});

/**
 * Places of an anchor's positives, in order of distance, at which the span of a negative begins or ends: the first and the last one, the
 * first that is not nearer than the negative by more than the margin, and the first that is not nearer at all.
 */
const place = { first: 0, far: 1, near: 2, last: 3 } as const;

const rules: Record<TripletKind, readonly [begin: number, end: number]> = {
  all: [place.far, place.last],
  hard: [place.near, place.last],
  semihard: [place.far, place.near],
  easy: [place.first, place.far],
};

function tripletMarginMiner(margin: number, type: TripletKind, distance: Distance): Miner {
  const [begin, end] = rules[type];
  return {
    mine(batch) {
      const { rows, classes } = batch;
      const arena = batch.scratch(this);
      const order = arena.int32('order', classes.pairs);
      const spans = arena.int32('spans', rows * rows);
      if (!batch.finite) {
        spans.fill(0);
        return new IntervalTriplets(classes, order, spans, 0);
      }
      const sizes = arena.int32('sizes', rows);
      const { classOf, pairStart, positive } = batch.classArrays;
      kernels().run(rows, [
        'spanRows',
        ...[spans, order, sizes, distance.matrix(batch)],
        ...[classOf, pairStart, positive, rows, distance.sign, margin, begin, end],
      ]);
      return new IntervalTriplets(classes, order, spans, total(sizes, rows));
    },
  };
}
