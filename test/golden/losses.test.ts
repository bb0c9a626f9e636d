import { describe, expect, it } from 'vitest';
import { EmbeddingBatch } from '../../src/core/distances/index.js';
import { lossSpec, openLoss } from '../../src/core/losses/index.js';
import { openMiner, type Selection } from '../../src/core/miners/index.js';
import { goldenFile } from './golden.js';

interface Result {
  loss: string;
  mined_count?: number;
  mined_mask_hex?: string;
  mined?: [number, number, number][];
  value: number;
  grad: number[][] | null;
  parts?: Record<string, number | number[]>;
}
interface Case {
  name: string;
  labels: number[];
  embeddings: number[][];
  results: Result[];
}
type Named = { name: string } & Record<string, number | string | boolean>;

const golden = goldenFile('losses.json') as {
  config: Record<string, { loss: Named; miner: Named }>;
  weight: Record<string, number>;
  cases: Case[];
};

/** Constructor arguments of the reference under our names; what it has and we do not must be at its only value. */
function ourLoss({ name, ...args }: Named) {
  const renamed: Record<string, string> = { pos_margin: 'positiveMargin', neg_margin: 'negativeMargin' };
  const fixed: Record<string, unknown> = { nu: 0, learn_beta: false, triplets_per_anchor: 'all' };
  const params: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(args)) {
    if (key in fixed) expect(value).toBe(fixed[key]);
    else params[renamed[key] ?? key] = value;
  }
  return { name: shortName(name), params };
}

const ourMiner = ({ name, type_of_triplets, ...args }: Named) => ({
  name: name.replace(/Miner$/, ''),
  params: type_of_triplets ? { ...args, type: type_of_triplets } : args,
});

const shortName = (name: string) => name.replace(/Loss$/, '');

/** A bit for every candidate triplet in lexicographic order, as hexadecimal digits. */
function mask(selection: Selection, labels: readonly number[]): string {
  const { anchor, positive, negative } = selection.listTriplets();
  const mined = new Set(Array.from(anchor, (a, i) => `${a},${positive[i]},${negative[i]}`));
  let bits = '';
  for (let a = 0; a < labels.length; a++) {
    for (let p = 0; p < labels.length; p++) {
      if (p === a || labels[p] !== labels[a]) continue;
      for (let n = 0; n < labels.length; n++) {
        if (labels[n] !== labels[a]) bits += mined.has(`${a},${p},${n}`) ? '1' : '0';
      }
    }
  }
  return (bits.match(/.{1,4}/g) ?? []).map((four) => parseInt(four.padEnd(4, '0'), 2).toString(16)).join('');
}

describe.each(golden.cases)('$name', ({ labels, embeddings, results }) => {
  const batch = new EmbeddingBatch().load(Float64Array.from(embeddings.flat()), Int32Array.from(labels));

  it.each(results)('$loss', (expected) => {
    const config = golden.config[expected.loss];
    const loss = config ? ourLoss(config.loss) : { name: shortName(expected.loss), params: {} };
    const miner = config ? ourMiner(config.miner) : lossSpec(loss.name).experiment.miner;
    const selection = openMiner(miner.name, miner.params).mine(batch);
    if (expected.mined_mask_hex !== undefined) {
      expect(selection.size).toBe(expected.mined_count);
      expect(mask(selection, labels)).toBe(expected.mined_mask_hex);
    }
    const { value, gradient, details, terms } = openLoss(loss.name, loss.params).evaluate(batch, selection);
    expect(Math.abs(value - expected.value)).toBeLessThanOrEqual(1e-9 * Math.abs(expected.value));

    const reference = expected.grad?.flat() ?? Array.from(gradient, () => 0);
    expect(gradient.length).toBe(reference.length);
    const largest = reference.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const worst = reference.reduce((most, g, i) => Math.max(most, Math.abs(g - gradient[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(1e-8 * largest);

    for (const [name, part] of Object.entries(expected.parts ?? {})) {
      const ours = terms.find((term) => term.name === name)?.value ?? details[name]!;
      if (typeof ours === 'number')
        expect(Math.abs(ours - Number(part))).toBeLessThanOrEqual(1e-9 * Math.abs(Number(part)));
      else expect(Array.from(ours)).toEqual(part);
    }
  });
});

describe('the paper’s settings', () => {
  it.each(Object.entries(golden.config))('%s', (name, { loss, miner }) => {
    const spec = lossSpec(shortName(name));
    expect(spec.params.parse({})).toMatchObject(ourLoss(loss).params);
    expect(spec.experiment.miner).toMatchObject(ourMiner(miner));
  });

  it.each(Object.entries(golden.weight))('%s weighs %d', (name, weight) => {
    expect(lossSpec(shortName(name)).experiment.weight).toBe(weight);
  });
});
