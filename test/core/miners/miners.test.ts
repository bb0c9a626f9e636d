import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EmbeddingBatch } from '../../../src/core/distances/index.js';
import { miners, openMiner } from '../../../src/core/miners/index.js';
import { stream } from '../../../src/core/random/random.js';
import { mineTuples, normalise } from '../losses/oracle.js';

/** Batches of up to 40 rows; with `points` below the number of rows some are equal. */
const batches = fc
  .record({
    seed: fc.nat(),
    labels: fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 40 }),
    dim: fc.integer({ min: 1, max: 7 }),
    points: fc.integer({ min: 1, max: 60 }),
    noise: fc.constantFrom(0.05, 0.5, 5),
  })
  .map(({ seed, labels, dim, points, noise }) => {
    const random = stream(seed, 'miners');
    const centre = Array.from({ length: dim }, () => random.normal());
    const pool = Array.from({ length: points }, () => centre.map((value) => value + noise * random.normal()));
    return { labels, rows: labels.map(() => pool[random.int(points)]!) };
  });

const load = (rows: readonly (readonly number[])[], labels: readonly number[]) =>
  new EmbeddingBatch().load(Float64Array.from(rows.flat()), Int32Array.from(labels));

const settings: [string, Record<string, unknown>][] = [
  ...miners.map(({ name }) => [name, {}] as [string, Record<string, unknown>]),
  ['TripletMargin', { type: 'hard', margin: 0.3 }],
  ['TripletMargin', { type: 'all', margin: 0.1 }],
  ['TripletMargin', { type: 'easy', margin: 0.05, distance: 'Cosine' }],
  ['TripletMargin', { type: 'semihard', margin: 4, distance: 'SquaredEuclidean' }],
  ['TripletMargin', { type: 'semihard', margin: 0 }],
  ['Angular', { angle: 5 }],
  ['Angular', { angle: 60 }],
  ['MultiSimilarity', { epsilon: -0.2 }],
];

describe.each(settings)('%s %j', (name, params) => {
  const miner = openMiner(name, params);
  const full = miners.find((spec) => spec.name === name)!.params.parse(params) as Record<string, unknown>;

  it('chooses what its definition says, and lists it in order', () => {
    fc.assert(
      fc.property(batches, ({ labels, rows }) => {
        const selection = miner.mine(load(rows, labels));
        const { triplets, positives, negatives } = mineTuples(name, full, normalise(rows), labels);
        const { anchor, positive, negative } = selection.listTriplets();
        const sorted = [...triplets].sort((x, y) => x[0] - y[0] || x[1] - y[1] || x[2] - y[2]);
        expect(Array.from(anchor, (a, i) => [a, positive[i], negative[i]])).toEqual(sorted);
        expect([selection.positives, selection.negatives]).toEqual([positives.length, negatives.length]);

        const pairs = selection.listPairs();
        const listed = Array.from(pairs.anchor, (a, i) => `${a} ${pairs.other[i]} ${pairs.positive[i]}`);
        const expected = [
          ...positives.map(([a, p]) => `${a} ${p} 1`),
          ...negatives.map(([a, n]) => `${a} ${n} 0`),
        ];
        expect([...listed].sort()).toEqual([...new Set(expected)].sort());
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  it('counts pairs as often as they occur', () => {
    fc.assert(
      fc.property(batches, ({ labels, rows }) => {
        const batch = load(rows, labels);
        const { classes } = batch;
        const selection = miner.mine(batch);
        const { positives, negatives } = mineTuples(name, full, normalise(rows), labels);
        const positiveCount = new Int32Array(classes.pairs);
        const found = new Int32Array(labels.length + 1);
        const times = new Int32Array(labels.length + 1);
        for (let a = 0; a < labels.length; a++) {
          selection.positiveCounts(a, positiveCount);
          const count = selection.negativesOf(a, found, times);
          const counted = new Map(Array.from(found.subarray(0, count), (x, i) => [x, times[i]]));
          const first = positives.find(([b]) => b === a);
          expect(selection.firstPositive(a)).toBe(first ? first[1] : -1);
          labels.forEach((_, x) => {
            const count = negatives.filter(([b, y]) => b === a && y === x).length;
            expect(counted.get(x) ?? 0).toBe(count);
          });
          for (let k = classes.pairStart[a]!; k < classes.pairStart[a + 1]!; k++) {
            const count = positives.filter(([b, p]) => b === a && p === classes.positive[k]).length;
            expect(positiveCount[k]).toBe(count);
          }
        }
      }),
      { numRuns: 20, seed: 12 },
    );
  });

  it('chooses nothing from a batch with NaN or infinity, or without tuples', () => {
    for (const spoilt of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const batch = load(
        [
          [1, 2],
          [3, spoilt],
          [1, 1],
          [0, 1],
        ],
        [1, 1, 2, 2],
      );
      expect(batch.finite).toBe(false);
      if (name !== 'None') expect(miner.mine(batch).size).toBe(0);
    }
    expect(miner.mine(load([], [])).size).toBe(0);
    expect(miner.mine(load([[1, 2]], [3])).listTriplets().anchor).toHaveLength(0);
    expect(
      miner
        .mine(
          load(
            [
              [1, 2],
              [2, 1],
            ],
            [3, 3],
          ),
        )
        .triplets().size,
    ).toBe(0);
    expect(
      miner
        .mine(
          load(
            [
              [1, 2],
              [2, 1],
            ],
            [3, 4],
          ),
        )
        .triplets().size,
    ).toBe(0);
  });
});

it('mines large classes as small ones', () => {
  const random = stream(5, 'large');
  const n = 44;
  const labels = Array.from({ length: n }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const rows = labels.map((label) => [label + random.normal(), random.normal(), random.normal()]);
  for (const [name, params] of settings) {
    const full = miners.find((spec) => spec.name === name)!.params.parse(params) as Record<string, unknown>;
    const selection = openMiner(name, params).mine(load(rows, labels));
    const { triplets, negatives } = mineTuples(name, full, normalise(rows), labels);
    const { anchor, positive, negative } = selection.listTriplets();
    const listed = anchor.map((a, i) => (a * n + positive[i]!) * n + negative[i]!);
    const expected = Int32Array.from(triplets, ([a, p, x]) => (a * n + p) * n + x).sort();
    expect(Buffer.from(listed.buffer).equals(Buffer.from(expected.buffer)), name).toBe(true);
    const found = new Int32Array(n + 1);
    const times = new Int32Array(n + 1);
    const counts = new Int32Array(n);
    for (let i = 0; i < selection.negativesOf(7, found, times); i++) counts[found[i]!] = times[i]!;
    const occurs = new Int32Array(n);
    for (const [a, x] of negatives) if (a === 7) occurs[x]!++;
    expect(counts).toEqual(occurs);
  }
});

it('lists from any place on, as many as asked for', () => {
  const random = stream(6, 'list');
  const labels = Array.from({ length: 20 }, (_, i) => i % 5);
  const rows = labels.map(() => [random.normal(), random.normal(), random.normal()]);
  const selection = openMiner('TripletMargin', { type: 'all' }).mine(load(rows, labels));
  const all = selection.listTriplets();
  const part = selection.listTriplets({ skip: 10, limit: 7 });
  expect(part.anchor).toEqual(all.anchor.slice(10, 17));
  expect(part.negative).toEqual(all.negative.slice(10, 17));
  expect(selection.listTriplets({ skip: selection.size - 2 }).positive).toEqual(all.positive.slice(-2));
  expect(selection.listTriplets({ skip: selection.size + 5 }).anchor).toHaveLength(0);
  expect(selection.listPairs({ limit: 3 }).anchor).toHaveLength(3);
});

it('leaves a selection as it was when another miner uses the batch', () => {
  const random = stream(8, 'owners');
  const labels = Array.from({ length: 24 }, (_, i) => i >> 2);
  const rows = labels.map(() => [random.normal(), random.normal(), random.normal()]);
  const batch = load(rows, labels);
  const first = openMiner('TripletMargin', { margin: 0.1 }).mine(batch);
  const before = first.listTriplets();
  openMiner('TripletMargin', { margin: 0.5 }).mine(batch);
  openMiner('Angular').mine(batch);
  expect(first.listTriplets()).toEqual(before);
});

it('says what is wrong with a name or a parameter', () => {
  expect(() => openMiner('TripletMargn')).toThrow(/unknown miner 'TripletMargn'/);
  expect(() => openMiner('Angular', { angel: 3 })).toThrow("miner Angular has no parameter 'angel'");
  expect(() => openMiner('Angular', { angle: 90 })).toThrow(/miner Angular: parameter 'angle'/);
  expect(() => openMiner('TripletMargin', { type: 'soft' })).toThrow(/'type'/);
});
