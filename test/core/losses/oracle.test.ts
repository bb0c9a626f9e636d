import { describe, expect, it } from 'vitest';
import { EmbeddingBatch } from '../../../src/core/distances/index.js';
import { losses, openLoss } from '../../../src/core/losses/index.js';
import { miners, openMiner } from '../../../src/core/miners/index.js';
import { type Random, stream } from '../../../src/core/random/random.js';
import { circleValue, lossValue, mineTuples, normalise, type Rows } from './oracle.js';

/** Up to 12 rows in classes of 1 to 4, labels shuffled, loose or clustered. */
function randomBatch(random: Random) {
  const labels: number[] = [];
  while (labels.length < 4 + random.int(5)) {
    const label = random.int(1000) - 500;
    for (let size = 1 + random.int(4); size > 0; size--) labels.push(label);
  }
  const dim = 2 + random.int(4);
  const noise = random.int(2) === 0 ? 0.4 : 10;
  const shuffled = Array.from(random.shuffle(Int32Array.from(labels)));
  const centres = new Map<number, number[]>();
  const rows = shuffled.map((label) => {
    if (!centres.has(label))
      centres.set(
        label,
        Array.from({ length: dim }, () => random.normal()),
      );
    return centres.get(label)!.map((value) => value + noise * random.normal());
  });
  return { labels: shuffled, rows };
}

const load = (rows: Rows, labels: readonly number[]) =>
  new EmbeddingBatch().load(Float64Array.from(rows.flat()), Int32Array.from(labels));

/** Central differences, row by row. */
function numericGradient(value: (rows: Rows) => number, rows: Rows): number[] {
  const step = 1e-5;
  return rows.flatMap((row, i) =>
    row.map((_, d) => {
      const moved = (by: number) =>
        value(rows.map((r, j) => (j === i ? r.map((x, e) => (e === d ? x + by : x)) : r)));
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  );
}

const minerSettings: [string, Record<string, unknown>][] = [
  ...miners.map(({ name }) => [name, {}] as [string, Record<string, unknown>]),
  ['TripletMargin', { type: 'hard', margin: 0.3 }],
  ['TripletMargin', { type: 'all', margin: 0.3, distance: 'Cosine' }],
  ['TripletMargin', { type: 'easy', margin: 0.05, distance: 'SquaredEuclidean' }],
  ['Angular', { angle: 40 }],
  ['BatchHard', { distance: 'Cosine' }],
];

const lossSettings: [string, Record<string, unknown>][] = [
  ...losses.map(({ name }) => [name, {}] as [string, Record<string, unknown>]),
  ['TripletMargin', { margin: 0.5, distance: 'Euclidean' }],
  ['TripletMargin', { margin: 0.2, distance: 'Cosine' }],
  ['Contrastive', { positiveMargin: 0.8, negativeMargin: 0.1, distance: 'Cosine' }],
  ['Contrastive', { positiveMargin: 0.1, negativeMargin: 1.5, distance: 'SquaredEuclidean' }],
  ['MultiSimilarity', { alpha: 5, beta: 20, base: 0.4 }],
  ['Angular', { alpha: 60 }],
  ['NCA', { scale: 5 }],
];

describe.each(lossSettings)('%s %j', (lossName, lossParams) => {
  it.each(minerSettings)('on %s %j', (minerName, minerParams) => {
    const loss = openLoss(lossName, lossParams);
    const full = loss.spec.params.parse(lossParams) as Record<string, unknown>;
    const miner = openMiner(minerName, minerParams);
    const fullMiner = miners.find(({ name }) => name === minerName)!.params.parse(minerParams) as Record<
      string,
      unknown
    >;
    const random = stream(7, lossName, minerName, JSON.stringify([lossParams, minerParams]));
    for (let trial = 0; trial < 3; trial++) {
      const { rows, labels } = randomBatch(random);
      const batch = load(rows, labels);
      const selection = miner.mine(batch);
      const tuples = mineTuples(minerName, fullMiner, normalise(rows), labels);
      expect(selection.positives).toBe(tuples.positives.length);
      expect(selection.negatives).toBe(tuples.negatives.length);

      const value = (moved: Rows) =>
        lossName === 'Circle'
          ? circleValue(full, moved, rows, tuples)
          : lossValue(lossName, full, moved, labels, tuples);
      const result = loss.evaluate(batch, selection);
      expect(result.finite).toBe(true);
      expect(result.value).toBeCloseTo(value(rows), 9);

      const numeric = numericGradient(value, rows);
      const largest = Math.max(...numeric.map(Math.abs), 1e-3);
      numeric.forEach((g, i) => {
        expect(Math.abs(result.gradient[i]! - g) / largest).toBeLessThan(2e-5);
      });
    }
  });
});
