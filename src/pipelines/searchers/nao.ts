import { z } from 'zod';
import type { Benchmark } from '../../core/benchmark/benchmark.js';
import type { Controller } from '../../core/engine/engine.js';
import type { Pool } from '../../core/search/pool.js';
import { naoPropose } from '../../operators/naoPropose.js';
import { seedCells } from '../../operators/seedCells.js';
import { type TrainOnPoolOptions, trainOnPool } from '../../operators/trainOnPool.js';
import { defineSearcher, initial, type Searcher } from './searcher.js';

export interface NaoOptions {
  controller: Controller;
  benchmark: Benchmark;
  pool: Pool;
  seed: number;
  /** Size of the initial random sample. */
  initial: number;
  /** New cells a round. */
  perRound: number;
  /** Best cells of the pool that are moved; default 128. */
  top?: number;
  /** Of each round; see {@link trainOnPool}. */
  training: Omit<TrainOnPoolOptions, 'controller' | 'pool' | 'seed' | 'round'>;
}

/** Neural architecture optimisation with a controller, pretrained or not (paper §3.3, REFERENCE §7). */
export function nao(options: NaoOptions): Searcher {
  const { initial, perRound, top = 128, training, ...resources } = options;
  return {
    name: 'nao',
    propose: (round, report) =>
      round === 0
        ? seedCells({ ...resources, round, count: initial })
        : naoPropose({ ...resources, round, count: perRound, top, onStep: report }),
    train: (round) => trainOnPool({ ...resources, round, ...training }),
  };
}

const { top } = naoPropose.spec.params.shape;
const { epochs, batch, tradeoff, learningRate, milestones, clipNorm, freezeEncoder } =
  trainOnPool.spec.params.shape;

export const naoSearcher = defineSearcher({
  name: 'nao',
  summary:
    'Neural architecture optimisation: up the predictor’s gradient, with a controller, pretrained or not',
  source: 'paper §3.3; REFERENCE §7; arXiv 1808.07233',
  params: z.strictObject({
    initial: initial(128),
    perRound: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(128)
      .describe('new cells a round')
      .meta({ unit: 'cells' }),
    top,
    epochs,
    trainBatch: batch,
    tradeoff,
    learningRate,
    milestones,
    clipNorm,
    freezeEncoder,
  }),
  needs: ['benchmark', 'pool', 'seed', 'controller'],
  create: ({ controller, benchmark, pool, seed, initial, perRound, top, trainBatch: batch, ...training }) =>
    nao({ controller, benchmark, pool, seed, initial, perRound, top, training: { batch, ...training } }),
});
