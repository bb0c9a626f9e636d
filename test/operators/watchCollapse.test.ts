import { concat, from, lastValueFrom, NEVER, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { EventRow } from '../../src/core/batch/index.js';
import { initialWeights } from '../../src/core/controller/weights.js';
import { createSimdEngine } from '../../src/core/engine/simd/index.js';
import { collapseReference } from '../../src/core/losses/health.js';
import { openLoss } from '../../src/core/losses/index.js';
import { openMiner } from '../../src/core/miners/index.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';
import type { StepRow } from '../../src/operators/lossStep.js';
import { type WatchCollapseOptions, watchCollapse } from '../../src/operators/watchCollapse.js';
import { type PretrainOptions, pretrain } from '../../src/pipelines/pretrain.js';
import { operatorConformance } from '../conformance/operator.js';

const reference = { dim: 16, candidates: 1000, collapsed: 0.1 };
const healthy = { metric: 0.05, mined: 300, spread: 0.2, effective_rank: 9 };
const collapsed = { metric: 0.1, mined: 500, spread: 0.001, effective_rank: 1.1 };

const row = (step: number, figures: Partial<StepRow>): StepRow => ({
  ...{ step, epoch: 0, total: 1, reconstruction: 1, learning_rate: 1, gradient_norm: 1 },
  ...healthy,
  ...figures,
});

/** Rows from `first` on: `h` a healthy step, `c` a collapsed one. */
const rowsOf = (steps: string, first = 0) =>
  [...steps].map((kind, i) => row(first + i, kind === 'c' ? collapsed : healthy));

/** A log that keeps its warnings. */
function watching(options: Partial<WatchCollapseOptions> = {}) {
  const warnings: EventRow<'warning'>[] = [];
  const run = { append: (_: string, warning: object) => void warnings.push(warning as EventRow<'warning'>) };
  return { warnings, operator: watchCollapse({ run, reference, window: 4, ...options }) };
}

/** Steps at which the rows lead to a warning. */
async function warnedAt(rows: StepRow[], options: Partial<WatchCollapseOptions> = {}): Promise<number[]> {
  const { warnings, operator } = watching(options);
  expect(await lastValueFrom(from(rows).pipe(operator, toArray()))).toEqual(rows);
  return warnings.map(({ step }) => step);
}

operatorConformance('watchCollapse', {
  create: () => watching({ window: 1 }).operator,
  items: () => rowsOf('hch'),
});

describe('watchCollapse', () => {
  it('warns when a collapse begins, and again only after a window without', async () => {
    expect(await warnedAt(rowsOf('hhhhccccccccccchhhhhcccc'))).toEqual([7, 23]);
  });

  it('judges the means of a window: a spike is no collapse', async () => {
    expect(await warnedAt(rowsOf('hchhhhchcchh'))).toEqual([]);
  });

  it('needs two signs, as one alone may be harmless', async () => {
    const still = Array.from({ length: 8 }, (_, step) => row(step, { metric: 0.1 }));
    expect(await warnedAt(still)).toEqual([]);
    const narrow = Array.from({ length: 8 }, (_, step) => row(step, { metric: 0.1, effective_rank: 1.2 }));
    expect(await warnedAt(narrow)).toEqual([3]);
    const none = Array.from({ length: 8 }, (_, step) => row(step, { mined: 0, spread: 0.001 }));
    expect(await warnedAt(none)).toEqual([3]);
  });

  it('says what it saw', async () => {
    const { warnings, operator } = watching();
    await lastValueFrom(from(rowsOf('cccc')).pipe(operator));
    expect(warnings).toEqual([{ code: 'collapsed', step: 3, message: expect.any(String) }]);
    expect(warnings[0]!.message).toMatch(/spread 0\.001 of at most 0\.25.*1\.1 of 16 dimensions.*loss 0\.1/);
  });

  it('stops the run after the warning, and tears its source down', async () => {
    const { warnings, operator } = watching({ onCollapse: 'stop' });
    await expect(lastValueFrom(concat(of(...rowsOf('ccccc')), NEVER).pipe(operator))).rejects.toMatchObject({
      message: expect.stringMatching(/^stopped at step 3: the embeddings have collapsed/),
      exitCode: 1,
    });
    expect(warnings).toHaveLength(1);
  });

  it('goes on in the middle of a window as if the run had not been interrupted', async () => {
    const rows = rowsOf('hhhhcccccccchhhhcccc');
    const whole = await warnedAt(rows);
    for (let cut = 1; cut < rows.length; cut++) {
      const first = await warnedAt(rows.slice(0, cut));
      const second = await warnedAt(rows.slice(cut), { before: rows.slice(Math.max(0, cut - 8), cut) });
      expect([...first, ...second], `cut at ${cut}`).toEqual(whole);
    }
  });

  it('sees a stream that is subscribed to once an item, as in inTurn', async () => {
    const { warnings, operator } = watching();
    for (const each of rowsOf('hhhhcccc')) await lastValueFrom(of(each).pipe(operator));
    expect(warnings.map(({ step }) => step)).toEqual([7]);
  });

  it('does not judge a window of which it has not seen the start', async () => {
    expect(await warnedAt(rowsOf('cc', 2))).toEqual([]);
  });
});

describe('in pretraining', () => {
  /** Warnings of a hundred steps. */
  async function pretraining(loss: string, miner: string, options: Partial<PretrainOptions>) {
    const engine = await createSimdEngine({ threads: 1 });
    const config = { vocabulary: space.vocabulary, length: space.sequenceLength, dim: 16, predictor: 64 };
    const controller = await engine.controller(config, initialWeights(config, 1));
    const warnings: EventRow<'warning'>[] = [];
    try {
      await lastValueFrom(
        pretrain({
          ...{ space, controller, loss: openLoss(loss), miner: openMiner(miner), weight: 1, seed: 1 },
          ...{ batchSize: 64, samplesPerClass: 8, epochs: 10, steps: 100, learningRate: 1 },
          onWarning: (warning) => warnings.push(warning),
          ...options,
        }),
      );
    } finally {
      controller.dispose();
      await engine.dispose();
    }
    return warnings;
  }

  it('finds the collapse of TripletMargin on the hardest triplets', async () => {
    const weight = 10;
    const warnings = await pretraining('TripletMargin', 'BatchHard', { weight });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.message).toMatch(/have collapsed: .*spread/);
    await expect(pretraining('TripletMargin', 'BatchHard', { weight, onCollapse: 'stop' })).rejects.toThrow(
      /^stopped at step 99/,
    );
    expect(await pretraining('TripletMargin', 'BatchHard', { weight, onCollapse: 'ignore' })).toEqual([]);
  });

  it('is silent with MultiSimilarity', async () => {
    expect(await pretraining('MultiSimilarity', 'Angular', {})).toEqual([]);
  });
});

it('reference of a loss with a margin is the margin, of a miner all that it may choose', () => {
  const { collapsed: value, candidates } = collapseReference(
    openLoss('TripletMargin', { margin: 0.3 }),
    openMiner('TripletMargin'),
    { rows: 32, classSize: 8, dim: 16 },
  );
  expect(value).toBeCloseTo(0.3, 9);
  expect(candidates).toBe(32 * 7 * 24);
});
