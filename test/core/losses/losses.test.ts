import { describe, expect, it } from 'vitest';
import { EmbeddingBatch } from '../../../src/core/distances/index.js';
import { losses, lossSpec, openLoss } from '../../../src/core/losses/index.js';
import { evaluate } from '../../../src/core/losses/loss.js';
import { miners, openMiner } from '../../../src/core/miners/index.js';
import { type Random, stream } from '../../../src/core/random/random.js';
import { openReducer } from '../../../src/core/reducers/index.js';
import { lossConformance } from '../../../src/testing/index.js';
import { circleValue, lossValue, mineTuples, normalise } from './oracle.js';

const names = losses.map(({ name }) => name);

function randomBatch(random: Random, rows: number, dim: number, classes: number, noise = 0.6) {
  const labels = random.shuffle(Int32Array.from({ length: rows }, (_, i) => 3 * (i % classes)));
  const centres = Float64Array.from({ length: 3 * classes * dim }, () => random.normal());
  const values = Float64Array.from(
    { length: rows * dim },
    (_, i) => centres[labels[Math.floor(i / dim)]! * dim + (i % dim)]! + noise * random.normal(),
  );
  return { labels, values };
}

const load = ({ values, labels }: { values: Float64Array; labels: Int32Array }) =>
  new EmbeddingBatch().load(values, labels);

const largest = (values: Float64Array) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe.each(names)('%s', (name) => {
  const loss = openLoss(name);
  const { miner } = loss.spec.experiment;

  // NPairs takes the first pair of each class, which the order decides; Circle holds its weights fixed, as its authors have it.
  const options = { orderMatters: name === 'NPairs', detached: name === 'Circle' };
  for (const check of lossConformance(loss.spec, options)) it(check.name, check.run);

  it('agrees with its definition on large classes', () => {
    const { values, labels } = randomBatch(stream(5, name, 'large'), 36, 3, 2, 2);
    const rows = Array.from(labels, (_, i) => Array.from(values.subarray(3 * i, 3 * i + 3)));
    for (const each of [miner.name, 'None']) {
      const full = miners.find((spec) => spec.name === each)!.params.parse({}) as Record<string, unknown>;
      const params = each === miner.name ? { ...full, ...miner.params } : full;
      const tuples = mineTuples(each, params, normalise(rows), Array.from(labels));
      const batch = load({ values, labels });
      const { value } = loss.evaluate(batch, openMiner(each, params).mine(batch));
      const settings = loss.spec.params.parse({}) as Record<string, unknown>;
      const expected =
        name === 'Circle'
          ? circleValue(settings, rows, rows, tuples)
          : lossValue(name, settings, rows, Array.from(labels), tuples);
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-9 * Math.abs(expected) + 1e-12);
    }
  });

  it('takes every reducer', () => {
    const batch = load(randomBatch(stream(6, name), 20, 4, 5));
    const selection = openMiner('None').mine(batch);
    const bound = loss.spec.create(loss.spec.params.parse({}));
    const sum = evaluate(bound, openReducer('Sum'), batch, selection);
    const mean = evaluate(bound, openReducer('Mean'), batch, selection);
    const total = mean.terms.reduce((all, { value, tuples }) => all + value * tuples, 0);
    expect(sum.value).toBeCloseTo(total, 8);
    const none = evaluate(bound, openReducer('Threshold', { low: 1e6 }), batch, selection);
    expect(none.value).toBe(0);
    expect(largest(none.gradient)).toBe(0);
  });
});

it('repetition counts: a pair mined twice weighs twice', () => {
  const { values, labels } = randomBatch(stream(9, 'repetition'), 16, 4, 4);
  const batch = load({ values, labels });
  const mined = openMiner('TripletMargin', { type: 'all', margin: 4 }).mine(batch);
  const unmined = openMiner('None').mine(batch);
  expect(mined.size).toBe(16 * 3 * 12);
  // Each positive pair occurs 12 times, each negative pair 3 times: means do not change, NT-Xent's sums do.
  const contrastive = openLoss('Contrastive');
  expect(contrastive.evaluate(batch, mined).value).toBeCloseTo(
    contrastive.evaluate(batch, unmined).value,
    12,
  );
  const ntXent = openLoss('NTXent');
  expect(ntXent.evaluate(batch, mined).value).toBeGreaterThan(ntXent.evaluate(batch, unmined).value);
  const similarity = openLoss('MultiSimilarity');
  expect(similarity.evaluate(batch, mined).value).toBeCloseTo(similarity.evaluate(batch, unmined).value, 12);
});

it('says what is wrong with a name or a parameter', () => {
  expect(() => openLoss('Triplet')).toThrow(/unknown loss 'Triplet'/);
  expect(() => lossSpec('MultiSimilarty')).toThrow(/unknown loss/);
  expect(() => openLoss('TripletMargin', { margn: 1 })).toThrow(
    "loss TripletMargin has no parameter 'margn'",
  );
  expect(() => openLoss('TripletMargin', { margin: 'wide' })).toThrow(/parameter 'margin'/);
  expect(() => openLoss('Angular', { alpha: 89 })).toThrow(/parameter 'alpha'/);
  expect(() => openLoss('Contrastive', { distance: 'Manhattan' })).toThrow(/parameter 'distance'/);
  expect(() => openLoss('Contrastive', {}, 'Median')).toThrow(/unknown reducer 'Median'/);
});
