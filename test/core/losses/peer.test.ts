import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EmbeddingBatch } from '../../../src/core/distances/index.js';
import { openLoss, type ReducerChoice } from '../../../src/core/losses/index.js';
import { openMiner } from '../../../src/core/miners/index.js';

/** What pytorch-metric-learning itself computes, beyond the golden figures; made by bench/peer/golden_extra.py. */
interface Peer {
  cases: Record<
    string,
    {
      labels: number[];
      embeddings: number[];
      mined: Record<string, { params: Record<string, unknown>; tuples: number[][] }>;
      results: {
        key: string;
        params: Record<string, unknown>;
        miner: string;
        minerParams: Record<string, unknown>;
        reducer?: ReducerChoice;
        value: number;
        grad: number[];
      }[];
    }
  >;
}

const file = new URL('../../golden/extra_losses.json', import.meta.url);
const peer = JSON.parse(readFileSync(file, 'utf8')) as Peer;

/** `Name/variant` → Name. */
const nameOf = (key: string) => key.split('/')[0]!;

describe.each(Object.entries(peer.cases))('%s', (_, { labels, embeddings, mined, results }) => {
  const batch = new EmbeddingBatch().load(Float64Array.from(embeddings), Int32Array.from(labels));

  it.each(Object.entries(mined))('mines what %s does', (key, { params, tuples }) => {
    const selection = openMiner(nameOf(key), params).mine(batch);
    if (tuples.length === 3) {
      const { anchor, positive, negative } = selection.listTriplets();
      expect([anchor, positive, negative].map((column) => Array.from(column))).toEqual(tuples);
    } else {
      const { anchor, other, positive } = selection.listPairs();
      const ours = Array.from(anchor, (a, i) => `${positive[i]} ${a} ${other[i]}`);
      const [a1, p, a2, n] = tuples as [number[], number[], number[], number[]];
      const theirs = [...a1.map((a, i) => `1 ${a} ${p[i]}`), ...a2.map((a, i) => `0 ${a} ${n[i]}`)];
      expect(ours.sort()).toEqual(theirs.sort());
    }
  });

  const named = results.map((result) => ({
    ...result,
    title: `${result.key} on ${result.miner}${result.reducer ? ` reduced by ${JSON.stringify(result.reducer)}` : ''}`,
  }));
  it.each(named)('$title', ({ key, params, miner, minerParams, reducer, value, grad }) => {
    const selection = openMiner(nameOf(miner), minerParams).mine(batch);
    const ours = openLoss(nameOf(key), params, reducer).evaluate(batch, selection);
    // The reference has the weights that NCA gets from a miner in float32.
    const tolerance = nameOf(key) === 'NCA' && miner !== 'None' ? 1e-6 : 1e-9;
    expect(Math.abs(ours.value - value)).toBeLessThanOrEqual(tolerance * Math.abs(value) + 1e-12);
    const largest = grad.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const worst = grad.reduce((most, g, i) => Math.max(most, Math.abs(g - ours.gradient[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(10 * tolerance * largest + 1e-14);
  });
});
