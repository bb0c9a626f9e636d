import { describe, expect, it } from 'vitest';
import { EmbeddingBatch } from '../../../src/core/distances/index.js';
import { losses, lossSpec, openLoss } from '../../../src/core/losses/index.js';
import { evaluate } from '../../../src/core/losses/loss.js';
import { miners, openMiner } from '../../../src/core/miners/index.js';
import { type Random, stream } from '../../../src/core/random/random.js';
import { openReducer } from '../../../src/core/reducers/index.js';
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
  const mine = openMiner(miner.name, miner.params);
  const evaluateOn = (batch: EmbeddingBatch) => loss.evaluate(batch, mine.mine(batch));

  it('permutes its gradient with its rows', () => {
    const random = stream(1, name, 'permutation');
    const { values, labels } = randomBatch(random, 22, 5, 5);
    const order = random.shuffle(Int32Array.from({ length: 22 }, (_, i) => i));
    const one = loss.evaluate(...allOf(load({ values, labels })));
    const other = loss.evaluate(
      ...allOf(
        load({
          values: Float64Array.from(
            { length: 110 },
            (_, i) => values[order[Math.floor(i / 5)]! * 5 + (i % 5)]!,
          ),
          labels: labels.map((_, i) => labels[order[i]!]!),
        }),
      ),
    );
    // NPairs takes the first pair of each class, which the order decides.
    if (name === 'NPairs') return expect(other.finite).toBe(true);
    expect(other.value).toBeCloseTo(one.value, 10);
    const scale = largest(one.gradient) || 1;
    for (let i = 0; i < 110; i++) {
      const moved = one.gradient[order[Math.floor(i / 5)]! * 5 + (i % 5)]!;
      expect(Math.abs(other.gradient[i]! - moved) / scale).toBeLessThan(1e-9);
    }
  });

  it('does not see the length of an embedding, and has no gradient along it', () => {
    const random = stream(2, name, 'scale');
    const { values, labels } = randomBatch(random, 24, 4, 6);
    const factors = Float64Array.from({ length: 24 }, () => 0.1 + 10 * random.float());
    const one = evaluateOn(load({ values, labels }));
    const other = evaluateOn(load({ values: values.map((x, i) => x * factors[i >> 2]!), labels }));
    expect(other.value).toBeCloseTo(one.value, 9);
    for (let i = 0; i < 24; i++) {
      let along = 0;
      for (let d = 4 * i; d < 4 * i + 4; d++) {
        along += one.gradient[d]! * values[d]!;
        expect(other.gradient[d]! * factors[i]!).toBeCloseTo(one.gradient[d]!, 7);
      }
      expect(along).toBeCloseTo(0, 9);
    }
  });

  it('gives the same bits again, after other batches too', () => {
    const random = stream(3, name, 'again');
    const first = randomBatch(random, 30, 6, 6);
    const second = randomBatch(random, 44, 3, 4);
    const expected = evaluateOn(load(first));
    const batch = new EmbeddingBatch();
    for (const each of [first, second, first, first]) {
      const result = evaluateOn(batch.load(each.values, each.labels));
      if (each === first) expect(result).toEqual(expected);
    }
  });

  it('is 0 where there is nothing to compare', () => {
    for (const [rows, labels] of [
      [0, []],
      [1, [4]],
      [5, [1, 2, 3, 4, 5]],
    ] as const) {
      const values = Float64Array.from({ length: rows * 3 }, (_, i) => Math.sin(i));
      for (const each of [miner.name, 'TripletMargin', 'Angular', 'MultiSimilarity', 'BatchHard']) {
        const batch = load({ values, labels: Int32Array.from(labels) });
        const result = loss.evaluate(batch, openMiner(each).mine(batch));
        if (each === 'None') continue;
        expect(result).toMatchObject({ value: 0, finite: true, mined: 0 });
        expect(result.gradient).toEqual(new Float64Array(rows * 3));
      }
    }
  });

  it('stays finite on degenerate batches, with every miner', () => {
    const labels = Int32Array.from([0, 0, 0, 1, 1, 2, 2, 2, 3]);
    const one = [0.3, -0.7, 0.2];
    const other = [-0.1, 0.4, 0.9];
    const cases = {
      'all equal': labels.reduce<number[]>((rows) => [...rows, ...one], []),
      'two points': Array.from(labels, (_, i) => (i % 2 ? one : other)).flat(),
      opposite: Array.from(labels, (_, i) => one.map((x) => (i % 2 ? x : -x))).flat(),
      'classes as points': Array.from(labels, (label) => one.map((x, d) => x + label * other[d]!)).flat(),
      'a row of zeros': Array.from(labels, (_, i) => (i === 4 ? [0, 0, 0] : [i, i * i, 1])).flat(),
    };
    for (const [what, rows] of Object.entries(cases)) {
      const batch = load({ values: Float64Array.from(rows), labels });
      for (const each of miners) {
        const result = loss.evaluate(batch, openMiner(each.name).mine(batch));
        expect(result.finite, `${what}, ${each.name}`).toBe(true);
        expect(result.gradient.every(Number.isFinite), `gradient: ${what}, ${each.name}`).toBe(true);
      }
    }
    const single = load({ values: Float64Array.from(cases['two points']), labels: new Int32Array(9) });
    expect(loss.evaluate(single, openMiner('None').mine(single)).finite).toBe(true);
  });

  it('is NaN, and says so, where an embedding is', () => {
    for (const spoilt of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const { values, labels } = randomBatch(stream(4, name), 12, 3, 3);
      values[7] = spoilt;
      const result = evaluateOn(load({ values, labels }));
      expect(result.finite).toBe(false);
      expect(result.value).toBeNaN();
      expect(result.gradient.every(Number.isNaN)).toBe(true);
    }
  });

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

  it('describes itself', () => {
    const { summary, formula, source, experiment } = loss.spec;
    for (const text of [summary, formula, source]) expect(text).not.toBe('');
    expect(miners.map((each) => each.name)).toContain(experiment.miner.name);
    for (const [param, schema] of Object.entries(loss.spec.params.shape)) {
      expect((schema as { description?: string }).description, param).toBeTruthy();
    }
  });
});

/** A batch and all its pairs. */
const allOf = (batch: EmbeddingBatch) => [batch, openMiner('None').mine(batch)] as const;

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
