import { concat, defer, from, switchMap } from 'rxjs';
import { z } from 'zod';
import { stream } from '../../core/random/random.js';
import { type CellCode, tokensOfCells } from '../../core/space/space.js';
import { trainOnPool } from '../../operators/trainOnPool.js';
import { nao, naoSearcher } from './nao.js';
import { defineSearcher, type LearnerResources } from './searcher.js';

/**
 * SemiNAS (arXiv 2002.10389): NAO whose predictor, once trained on the queried cells, labels random cells that were not queried, and is
 * trained further on both; the queried ones are repeated until they are as many.
 */
export const semiNasSearcher = defineSearcher({
  name: 'semiNas',
  summary: 'NAO whose predictor labels random cells, which then train it further',
  source: 'arXiv 2002.10389; REFERENCE §7 for the rest',
  params: naoSearcher.params.extend({
    generated: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(512)
      .describe('random cells that the predictor labels each round')
      .meta({ unit: 'cells' }),
    semiEpochs: z
      .int()
      .min(1)
      .max(100_000)
      .default(25)
      .describe('inner epochs a round on queried and labelled cells')
      .meta({ unit: 'epochs' }),
  }),
  needs: ['benchmark', 'pool', 'seed', 'controller'],
  create: ({ generated, semiEpochs, trainBatch: batch, top, initial, perRound, ...options }) => {
    const { benchmark, pool, seed, controller, epochs, ...rest } = options;
    const { tradeoff, learningRate, milestones, clipNorm, freezeEncoder } = rest;
    const learning = { tradeoff, learningRate, milestones, clipNorm, freezeEncoder, batch };
    const resources = { benchmark, pool, seed, controller };
    const each = epochs + semiEpochs;
    return {
      ...nao({ ...resources, initial, perRound, top, training: { ...learning, epochs } }),
      name: 'semiNas',
      train: (round) =>
        concat(
          trainOnPool({ ...resources, ...learning, round, epochs, before: round * each }),
          defer(() => from(labelled(resources, generated, round))).pipe(
            switchMap((more) =>
              trainOnPool({
                ...{ ...resources, ...learning, round, more },
                epochs: semiEpochs,
                before: round * each + epochs,
              }),
            ),
          ),
        ),
    };
  },
});

/** Random cells of the space, whether or not the benchmark knows them, with what the predictor makes of them. */
async function labelled(
  { benchmark, pool, seed, controller }: LearnerResources,
  count: number,
  round: number,
) {
  const random = stream(seed, 'generated', round);
  const cells = new Set<CellCode>();
  for (let tries = 0; cells.size < count && tries < 10 * count; tries++) {
    const cell = benchmark.space.sample(random);
    if (!pool.has(cell)) cells.add(cell);
  }
  const tokens = tokensOfCells(benchmark.space, [...cells]);
  const targets = await controller.predict(tokens);
  return { tokens, targets, poolRepeats: Math.max(1, Math.round(cells.size / pool.size)) };
}
