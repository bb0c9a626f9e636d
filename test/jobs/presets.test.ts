import { describe, expect, it } from 'vitest';
import { withPreset } from '../../src/jobs/presets.js';
import { resolvePretrain } from '../../src/jobs/pretrain.js';
import { resolveSearch } from '../../src/jobs/settings.js';

const pretraining = (name: 'default' | 'reference', settings = {}) =>
  resolvePretrain(withPreset('pretrain', name, settings));
const searching = (name: 'default' | 'reference', settings = {}) =>
  resolveSearch(withPreset('search', name, settings));

describe('reference', () => {
  it('pretrains as REFERENCE §5 and §6 say', () => {
    expect(pretraining('reference', { loss: 'TripletMargin' })).toMatchObject({
      ...{ miner: 'TripletMargin', minerParams: { margin: 0.1, type: 'semihard' }, weight: 1 },
      ...{ batch: 512, samplesPerClass: 8, epochs: 2, learningRate: 1, milestones: [6000], sameOrder: true },
    });
    expect(pretraining('reference', { loss: 'TupletMargin' })).toMatchObject({
      ...{ miner: 'Angular', batch: 64, learningRate: 0.2 },
    });
    expect(pretraining('reference').clipNorm).toBeUndefined();
  });

  it('searches as REFERENCE §7 and §9 say', () => {
    expect(searching('reference')).toMatchObject({
      ...{ identity: 'sequence', targetFloor: 0.8 },
      searcherParams: {
        ...{ epochs: 99, perRound: 129, initial: 128, learningRate: 0.1 },
        ...{ trainBatch: 64, freezeEncoder: false },
      },
    });
    const { queries, rounds, patience } = searching('reference');
    expect(queries).toBe(128 + (rounds! - 1) * 129);
    expect(patience).toBeGreaterThanOrEqual(rounds!);
  });
});

it('default repairs the quirks', () => {
  expect(pretraining('default')).toMatchObject({ sameOrder: false, apart: 4 });
  expect(pretraining('reference').apart).toBe(0);
  expect(searching('default')).toMatchObject({
    identity: 'cell',
    searcherParams: { epochs: 100, perRound: 128 },
  });
});

it('what is set stands above the preset', () => {
  expect(searching('reference', { epochs: 100, seed: 3 })).toMatchObject({
    ...{ seed: 3, searcherParams: { epochs: 100, perRound: 129 } },
  });
});
