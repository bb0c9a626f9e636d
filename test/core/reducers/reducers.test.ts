import { describe, expect, it } from 'vitest';
import { EmbeddingBatch } from '../../../src/core/distances/index.js';
import { openLoss, type ReducerChoice } from '../../../src/core/losses/index.js';
import { openMiner } from '../../../src/core/miners/index.js';
import { stream } from '../../../src/core/random/random.js';
import { openReducer, reducers } from '../../../src/core/reducers/index.js';

const random = stream(4, 'reducers');
const rows = 14;
const values = Float64Array.from({ length: rows * 4 }, () => random.normal());
const labels = Int32Array.from({ length: rows }, (_, i) => i % 4);
const batch = new EmbeddingBatch().load(values, labels);
const selection = openMiner('TripletMargin', { type: 'all', margin: 0.4 }).mine(batch);

/** The losses of single triplets, by the definition. */
function tripletLosses(margin: number): number[] {
  const { anchor, positive, negative } = selection.listTriplets();
  const distance = (i: number, j: number) => {
    let square = 0;
    for (let d = 0; d < 4; d++) square += (batch.unit[i * 4 + d]! - batch.unit[j * 4 + d]! + 1e-6) ** 2;
    return Math.sqrt(square);
  };
  return Array.from(anchor, (a, i) =>
    Math.max(0, distance(a, positive[i]!) - distance(a, negative[i]!) + margin),
  );
}

describe.each<[ReducerChoice, (losses: number[]) => number[], 'mean' | 'sum']>([
  ['Mean', (losses) => losses, 'mean'],
  ['Sum', (losses) => losses, 'sum'],
  ['Divisor', (losses) => losses, 'mean'],
  ['AvgNonZero', (losses) => losses.filter((x) => x > 0), 'mean'],
  [{ name: 'Threshold', low: 0.1 }, (losses) => losses.filter((x) => x > 0.1), 'mean'],
  [{ name: 'Threshold', low: 0.1, high: 0.3 }, (losses) => losses.filter((x) => x > 0.1 && x < 0.3), 'mean'],
  [{ name: 'Threshold', low: 5 }, () => [], 'mean'],
])('%j', (reducer, choose, how) => {
  it('reduces the losses of the triplets', () => {
    const chosen = choose(tripletLosses(0.2));
    const total = chosen.reduce((sum, loss) => sum + loss, 0);
    const expected = chosen.length === 0 ? 0 : how === 'sum' ? total : total / chosen.length;
    const result = openLoss('TripletMargin', { margin: 0.2 }, reducer).evaluate(batch, selection);
    expect(result.value).toBeCloseTo(expected, 12);
    expect(result.terms[0]!.tuples).toBe(selection.size);
  });
});

it('Divisor takes the number that the loss names', () => {
  const divisor = openReducer('Divisor').divisor;
  expect(divisor({ tuples: 10, counted: 4, divisor: 7 })).toBe(7);
  expect(divisor({ tuples: 10, counted: 4 })).toBe(10);
});

it('every reducer goes with every name it is registered under', () => {
  for (const { name } of reducers) expect(openReducer(name).name).toBe(name);
  expect(() => openReducer('Average')).toThrow(/unknown reducer 'Average'/);
  expect(() => openReducer('Threshold', { low: -1 })).toThrow(/parameter 'low'/);
  expect(() => openReducer('Mean', { low: 1 })).toThrow("reducer Mean has no parameter 'low'");
});
