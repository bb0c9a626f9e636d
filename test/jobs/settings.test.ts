import { describe, expect, it } from 'vitest';
import { resolvedSpec } from '../../src/core/spec/resolved.js';
import { pretrainSpec, type Settings, searchSpec } from '../../src/jobs/settings.js';

/** The parameters of the stages by name, of all phases. */
function stages(node: unknown): Record<string, unknown> {
  if (Array.isArray(node)) {
    return Object.assign({}, ...node.map((stage) => (typeof stage === 'string' ? { [stage]: {} } : stage)));
  }
  return Object.assign({}, ...Object.values(node as object).map(stages));
}

const pretraining = async (settings: Settings) => {
  const resolved = resolvedSpec((await pretrainSpec(settings)).spec);
  return { ...resolved, ...stages(resolved.pipeline) } as Record<string, Record<string, unknown>>;
};
const searching = async (settings: Settings) => {
  const resolved = resolvedSpec((await searchSpec(settings)).spec);
  const { rounds, ...others } = stages(resolved.pipeline) as Record<string, { each: unknown }>;
  return { ...resolved, ...others, rounds, ...stages(rounds!.each) } as Record<
    string,
    Record<string, unknown>
  >;
};

describe('reference', () => {
  it('pretrains as REFERENCE §5 and §6 say', async () => {
    expect(await pretraining({ preset: 'reference', loss: 'TripletMargin' })).toMatchObject({
      anchors: { classes: 64, epochs: 2, sameOrder: true, apart: 0 },
      mutate: { samplesPerClass: 8 },
      batch: { rows: 512 },
      mine: { miner: { TripletMargin: { margin: 0.1, type: 'semihard' } } },
      lossStep: { weight: 1, learningRate: 1, milestones: [6000] },
    });
    const tuplet = await pretraining({ preset: 'reference', loss: 'TupletMargin' });
    expect(tuplet).toMatchObject({
      anchors: { classes: 8 },
      batch: { rows: 64 },
      mine: { miner: { Angular: {} } },
      lossStep: { learningRate: 0.2 },
    });
    expect(tuplet.lossStep).not.toHaveProperty('clipNorm');
  });

  it('searches as REFERENCE §7 and §9 say', async () => {
    const found = await searching({ preset: 'reference' });
    expect(found).toMatchObject({
      rounds: {
        identity: 'sequence',
        targetFloor: 0.8,
        searcher: {
          nao: {
            epochs: 99,
            perRound: 129,
            initial: 128,
            learningRate: 0.1,
            trainBatch: 64,
            freezeEncoder: false,
          },
        },
      },
    });
    const { most, patience } = found.rounds as { most: number; patience: number };
    expect(found.benchmarkLookup!.budget).toBe(128 + (most - 1) * 129);
    expect(patience).toBeGreaterThanOrEqual(most);
  });
});

it('default repairs the quirks', async () => {
  expect((await pretraining({})).anchors).toMatchObject({ sameOrder: false, apart: 4 });
  expect((await searching({})).rounds).toMatchObject({
    identity: 'cell',
    searcher: { nao: { epochs: 100, perRound: 128 } },
  });
});

it('what is set stands above the preset', async () => {
  const found = await searching({ preset: 'reference', epochs: 100, seed: 3 });
  expect(found).toMatchObject({ seed: 3, rounds: { searcher: { nao: { epochs: 100, perRound: 129 } } } });
});

it('a searcher that needs no controller has no engine, and embeds nothing', async () => {
  const found = await searching({ preset: 'reference', searcher: 'random', engine: 'simd', epochs: 5 });
  expect(found).toMatchObject({ rounds: { searcher: { random: { perRound: 129 } } } });
  expect(found).not.toHaveProperty('engine');
  expect(found).not.toHaveProperty('embedCells');
});

it('engine, threads, miner and its parameters, and no watch over collapse', async () => {
  const found = await pretraining({
    ...{
      engine: 'simd',
      threads: 2,
      loss: 'NTXent',
      miner: 'BatchHard',
      minerParams: {},
      onCollapse: 'ignore',
    },
  });
  expect(found).toMatchObject({ engine: { simd: { threads: 2 } }, mine: { miner: { BatchHard: {} } } });
  expect(found).not.toHaveProperty('watchCollapse');
  const angle = await pretraining({ minerParams: { angle: 30 } });
  expect(angle.mine).toMatchObject({ miner: { Angular: { angle: 30 } } });
});

it('wrong settings are refused by their flag', async () => {
  const refused = (settings: Settings) => expect(pretraining(settings)).rejects;
  await refused({ batch: 100 }).toThrow('--batch: batch.rows is 100: that is not whole classes of 8');
  await refused({ batch: 8 }).toThrow('without a second one');
  await refused({ loss: 'Triplet' }).toThrow("--loss: lossStep.loss: unknown loss 'Triplet'");
  await refused({ checkpointEvery: -1 }).toThrow('--checkpoint-every: checkpoint.every is -1');
  await refused({ bacth: 64 }).toThrow("unknown setting of pretrain 'bacth'");
});
