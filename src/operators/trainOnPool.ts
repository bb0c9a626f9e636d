import { Observable } from 'rxjs';
import { z } from 'zod';
import { eventSchemas } from '../core/batch/index.js';
import { breathe } from '../core/breathe.js';
import { TrainingDiverged } from '../core/controller/diverged.js';
import type { Controller, SearchLosses } from '../core/engine/engine.js';
import { stream } from '../core/random/random.js';
import type { Pool } from '../core/search/pool.js';
import { columnsOf } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';

/** One inner epoch of the search: a row of the `train` event. */
export interface TrainRow {
  round: number;
  /** Inner epochs since the start of the search. */
  epoch: number;
  total: number;
  mse: number;
  reconstruction: number;
  /** Of the epoch's last step, before clipping. */
  gradient_norm: number;
  learning_rate: number;
}

export interface TrainOnPoolOptions {
  controller: Controller;
  pool: Pool;
  seed: number;
  round: number;
  /** Inner epochs a round; the reference really runs 99 where its configuration says 100 (REFERENCE §9). */
  epochs: number;
  batch?: number;
  /** λ of eq. 1. */
  tradeoff?: number;
  learningRate?: number;
  /** Cumulative inner epochs at which the learning rate is multiplied by 0.1. */
  milestones?: readonly number[];
  clipNorm?: number;
  freezeEncoder?: boolean;
  /** Inner epochs before these; default `round` times `epochs`. */
  before?: number;
  /** Further cells with their targets, and how often each cell of the pool stands among them in an epoch. */
  more?: { tokens: Int32Array; targets: Float32Array; poolRepeats: number };
}

/**
 * Trains predictor and decoder on all queried cells (eq. 1, REFERENCE §7): `epochs` passes over the shuffled pool, SGD with the gradient
 * norm clipped. Emits one row an inner epoch.
 */
export const trainOnPool = defineOperator(
  {
    name: 'trainOnPool',
    kind: 'source',
    summary: 'Trains the controller on the queried cells',
    source: 'paper eq. 1; REFERENCE §7',
    params: z.strictObject({
      epochs: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(100)
        .describe('inner epochs a round')
        .meta({ unit: 'epochs' }),
      batch: z.int().min(1).max(1_000_000).default(64).describe('cells a step').meta({ unit: 'cells' }),
      tradeoff: z.number().min(0).max(1).default(0.5).describe('λ of eq. 1').meta({ unit: 'share' }),
      learningRate: z
        .number()
        .positive()
        .max(1000)
        .default(0.1)
        .describe('learning rate of SGD')
        .meta({ unit: 'factor' }),
      milestones: z
        .array(z.int().min(0))
        .default([1200, 2400])
        .describe('inner epochs at which the rate drops to a tenth')
        .meta({ unit: 'epochs' }),
      clipNorm: z
        .number()
        .positive()
        .default(5)
        .describe('largest norm of the gradient')
        .meta({ unit: 'norm' }),
      freezeEncoder: z.boolean().default(false).describe('keep encoder and decoder as pretrained'),
    }),
    needs: ['controller', 'pool', 'seed', 'round'],
    gives: 'rows',
    input: {},
    output: columnsOf(eventSchemas.train),
    stability: 'stable',
    example: 'trainOnPool: { epochs: 100, batch: 64 }',
  },
  (options: TrainOnPoolOptions): Observable<TrainRow> =>
    new Observable((subscriber) => {
      train(options, subscriber).then(
        () => subscriber.complete(),
        (error) => subscriber.error(error),
      );
    }),
);

async function train(
  options: TrainOnPoolOptions,
  subscriber: { next(row: TrainRow): void; closed: boolean },
): Promise<void> {
  const { controller, pool, seed, round, epochs, batch = 64, tradeoff = 0.5, clipNorm = 5 } = options;
  const { learningRate = 0.1, milestones = [1200, 2400], freezeEncoder = false } = options;
  const { before = round * epochs, more } = options;
  const { length } = controller.config;
  const { rows } = pool;
  const repeats = more?.poolRepeats ?? 1;
  const labelled = rows.length * repeats;
  const poolTokens = pool.tokens(rows);
  const poolTargets = Float32Array.from(rows, (row) => pool.target(row));
  const examples = labelled + (more?.targets.length ?? 0);

  for (let inner = 0; inner < epochs; inner++) {
    const epoch = before + inner;
    const learning_rate = learningRate * 0.1 ** milestones.filter((at) => epoch >= at).length;
    const order = stream(seed, 'train', epoch).shuffle(Uint32Array.from({ length: examples }, (_, i) => i));
    const sum = { total: 0, mse: 0, reconstruction: 0 };
    let gradient_norm = 0;
    for (let from = 0; from < order.length; from += batch) {
      await breathe();
      if (subscriber.closed) return;
      const part = order.subarray(from, from + batch);
      const tokens = new Int32Array(part.length * length);
      const targets = new Float32Array(part.length);
      part.forEach((example, i) => {
        const ofPool = example < labelled;
        const row = ofPool ? example % rows.length : example - labelled;
        const source = ofPool ? poolTokens : more!.tokens;
        tokens.set(source.subarray(row * length, (row + 1) * length), i * length);
        targets[i] = ofPool ? poolTargets[row]! : more!.targets[row]!;
      });
      const losses = await controller.searchStep(tokens, {
        targets,
        tradeoff,
        learningRate: learning_rate,
        clipNorm,
        freezeEncoder,
      });
      // A norm that is not finite spoils the weights in the same step, whatever the losses were.
      if (!Number.isFinite(losses.total) || !Number.isFinite(losses.gradientNorm)) {
        const where = `round ${round}, inner epoch ${epoch}`;
        throw new TrainingDiverged(where, notFinite(losses), await controller.weights());
      }
      sum.total += losses.total * part.length;
      sum.mse += losses.mse * part.length;
      sum.reconstruction += losses.reconstruction * part.length;
      gradient_norm = losses.gradientNorm;
    }
    subscriber.next({
      round,
      epoch,
      total: sum.total / examples,
      mse: sum.mse / examples,
      reconstruction: sum.reconstruction / examples,
      gradient_norm,
      learning_rate,
    });
  }
}

function notFinite({ mse, reconstruction }: SearchLosses): string {
  if (!Number.isFinite(mse)) return 'squared error of the predictions';
  return Number.isFinite(reconstruction) ? 'gradient' : 'reconstruction loss';
}
