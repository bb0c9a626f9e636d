import { mergeMap, type Observable } from 'rxjs';
import { z } from 'zod';
import { type Columns, type EventRow, eventSchemas } from '../core/batch/index.js';
import { TrainingDiverged } from '../core/controller/diverged.js';
import type { Controller } from '../core/engine/engine.js';
import { embeddingHealth } from '../core/losses/health.js';
import type { OpenLoss } from '../core/losses/index.js';
import type { Reducer } from '../core/reducers/index.js';
import { columnsOf } from '../core/spec/columns.js';
import { choice } from '../core/spec/component.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import type { Mined } from './mine.js';

/** One training step: a row of the `step` event. */
export type StepRow = EventRow<'step'>;

export interface LossStepOptions {
  controller: Controller;
  loss: OpenLoss;
  /** Instead of the loss's own. */
  reducer?: Reducer;
  /** w of eq. 2; default: that of the paper's experiment with the loss, as for the learning rate. */
  weight?: number;
  learningRate?: number;
  /** Weight of the reconstruction loss, which eq. 2 has 1 for; 0 shows what it is good for (paper figure 3). Default 1. */
  reconstructionWeight?: number;
  /** Steps at which the learning rate is multiplied by 0.2. */
  milestones?: readonly number[];
  clipNorm?: number;
  /** Steps of one pass over the space. */
  stepsPerEpoch: number;
  /** Number of the first batch of the stream. */
  firstStep?: number;
}

/**
 * Eq. 2, L = L_rec + w·L_metric: the metric loss on the mined tuples, its gradient fed back through the encoder together
 * with that of the decoder's reconstruction, and one step of SGD (REFERENCE §6). Emits the losses before the update.
 */
export const lossStep = defineOperator(
  {
    name: 'lossStep',
    kind: 'operator',
    summary: 'Metric and reconstruction loss, backward pass and SGD',
    source: 'paper eq. 2; REFERENCE §6',
    params: z.strictObject({
      loss: choice('loss').default('MultiSimilarity').describe('metric loss'),
      reducer: choice('reducer')
        .optional()
        .describe('how the losses of many tuples become one; default: the loss’s own'),
      weight: z
        .number()
        .min(0)
        .max(1_000_000)
        .optional()
        .describe('weight w of the metric loss; default: the paper’s for the loss')
        .meta({ unit: 'factor' }),
      learningRate: z
        .number()
        .positive()
        .max(1000)
        .optional()
        .describe('learning rate of SGD; default: the paper’s for the loss')
        .meta({ unit: 'factor' }),
      reconstructionWeight: z
        .number()
        .min(0)
        .max(1_000_000)
        .optional()
        .describe('weight of the reconstruction loss; default: 1, as in eq. 2')
        .meta({ unit: 'factor' }),
      milestones: z
        .array(z.int().min(0))
        .default([6000])
        .describe('steps at which the rate drops to a fifth')
        .meta({ unit: 'steps' }),
      clipNorm: z
        .number()
        .positive()
        .optional()
        .describe('largest norm of the gradient; default: no clipping')
        .meta({ unit: 'norm' }),
    }),
    needs: ['controller', 'stepsPerEpoch', 'firstStep', 'turn'],
    takes: 'encoded',
    gives: 'rows',
    input: { selection: 'selection', embedding: 'float32[]', tokens: 'int32[]' },
    output: columnsOf(eventSchemas.step),
    resumes: true,
    stability: 'stable',
    example: 'lossStep: { loss: { MultiSimilarity: { alpha: 2 } }, weight: 1 }',
  },
  (options: LossStepOptions) => {
    const { controller, reducer, clipNorm, stepsPerEpoch, milestones = [6000], firstStep = 0 } = options;
    const { reconstructionWeight = 1 } = options;
    const loss = reducer ? options.loss.reducedBy(reducer) : options.loss;
    const { weight = loss.spec.experiment.weight, learningRate = loss.spec.experiment.learningRate } =
      options;
    return <C extends Columns>(batches: Observable<Mined<C>>): Observable<StepRow> =>
      batches.pipe(
        mergeMap(async ({ index, activations, embeddings, selection, scope }) => {
          const step = firstStep + index;
          const rate = learningRate * 0.2 ** milestones.filter((at) => step >= at).length;
          const metric = loss.evaluate(embeddings, selection);
          const { spread, effectiveRank } = embeddingHealth(embeddings);

          const { gradient } = metric;
          if (weight !== 1) for (let i = 0; i < gradient.length; i++) gradient[i]! *= weight;
          const { reconstruction, gradientNorm } = await scope.hold(
            controller.pretrainStep(activations, {
              ...(weight > 0 && metric.mined > 0 && { metricGradient: gradient }),
              ...(clipNorm !== undefined && { clipNorm }),
              learningRate: rate,
              reconstructionWeight,
            }),
          );

          const row: StepRow = {
            step,
            epoch: Math.floor(step / stepsPerEpoch),
            total: reconstructionWeight * reconstruction + (weight > 0 ? weight * metric.value : 0),
            reconstruction,
            metric: metric.value,
            mined: metric.mined,
            learning_rate: rate,
            gradient_norm: gradientNorm,
            spread,
            effective_rank: effectiveRank,
          };
          // A norm that is not finite spoils the weights in the same step, whatever the losses were.
          if (!Number.isFinite(row.total) || !Number.isFinite(gradientNorm)) {
            throw new TrainingDiverged(`step ${step}`, notFinite(row), await controller.weights());
          }
          return row;
        }),
      );
  },
);

function notFinite({ reconstruction, metric }: StepRow): string {
  if (!Number.isFinite(reconstruction)) return 'reconstruction loss';
  return Number.isFinite(metric) ? 'gradient' : 'metric loss';
}
