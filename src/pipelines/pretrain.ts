import { identity, NEVER, type Observable, pipe, take, takeUntil } from 'rxjs';
import { Credit } from '../core/backpressure.js';
import type { EventRow } from '../core/batch/index.js';
import type { Controller } from '../core/engine/engine.js';
import { given } from '../core/given.js';
import { collapseReference } from '../core/losses/health.js';
import type { OpenLoss } from '../core/losses/index.js';
import type { Miner } from '../core/miners/index.js';
import type { Run } from '../core/run/index.js';
import type { Space } from '../core/space/index.js';
import { anchors, batchesPerEpoch } from '../operators/anchors.js';
import { batch } from '../operators/batch.js';
import { checkpoint } from '../operators/checkpoint.js';
import { encode } from '../operators/encode.js';
import { inTurn } from '../operators/inTurn.js';
import { lossStep, type StepRow } from '../operators/lossStep.js';
import { mine } from '../operators/mine.js';
import { mutate } from '../operators/mutate.js';
import { record } from '../operators/record.js';
import { watchCollapse } from '../operators/watchCollapse.js';

export interface PretrainOptions {
  space: Space;
  controller: Controller;
  miner: Miner;
  loss: OpenLoss;
  /** w of eq. 2. */
  weight: number;
  seed: number;
  /** Cells a step, a multiple of `samplesPerClass`. */
  batchSize: number;
  /** Cells of a class: an anchor and its positives. */
  samplesPerClass: number;
  /** Passes over the space. */
  epochs: number;
  /** Stop after so many steps in all; default: all of the epochs. */
  steps?: number;
  /** Steps that an earlier part of the run has done. */
  firstStep?: number;
  learningRate: number;
  /** Weight of L_rec; default 1. */
  reconstructionWeight?: number;
  milestones?: readonly number[];
  clipNorm?: number;
  sameOrder?: boolean;
  /** Least edit distance between the anchors of a batch (see `anchors`). */
  apart?: number;
  /** Batches held between the source and the training step. */
  capacity?: number;
  /** Takes the rows, before the checkpoint that follows them. */
  run?: Pick<Run, 'append'>;
  checkpointEvery?: number;
  /** What a collapse of the embeddings does (see `watchCollapse`); default: warn. Without a metric loss none is looked for. */
  onCollapse?: 'warn' | 'stop' | 'ignore';
  /** Told warnings, which are in the log as well. */
  onWarning?: (row: EventRow<'warning'>) => void;
  /** Rows that an earlier part of the run has logged; the last 200 are enough. */
  logged?: Iterable<StepRow>;
  /** Its first value ends the source; batches that are held are still trained on. */
  stop?: Observable<unknown>;
  /** Makes the state after a step safe; the next step begins after it. */
  save?: (row: StepRow) => Promise<void>;
}

/** Locality-based self-supervised pretraining of the controller (paper §3): one row a step. */
export function pretrain(options: PretrainOptions): Observable<StepRow> {
  const { space, controller, miner, loss, weight, seed, batchSize, samplesPerClass, epochs } = options;
  const {
    learningRate,
    reconstructionWeight,
    milestones,
    clipNorm,
    sameOrder,
    apart,
    firstStep = 0,
    capacity = 4,
  } = options;
  const { run = { append() {} }, checkpointEvery = 0, save = async () => {}, stop = NEVER } = options;
  const { onCollapse = 'warn', logged, onWarning } = options;
  const classes = batchSize / samplesPerClass;
  const stepsPerEpoch = batchesPerEpoch(space, classes);
  const steps = Math.min(options.steps ?? Number.POSITIVE_INFINITY, stepsPerEpoch * epochs);
  const credit = new Credit(capacity);
  const reference = () =>
    collapseReference(loss, miner, {
      rows: batchSize,
      classSize: samplesPerClass,
      dim: controller.config.dim,
    });

  return anchors({
    space,
    seed,
    credit,
    classes,
    epochs,
    skip: firstStep,
    ...given({ sameOrder, apart }),
  }).pipe(
    take(Math.max(0, steps - firstStep)),
    takeUntil(stop),
    mutate({ space, seed, samplesPerClass, firstStep }),
    batch({ rows: batchSize }),
    inTurn(
      { credit },
      // Made once: `mine` keeps its matrices from step to step, `watchCollapse` the figures of a window.
      pipe(
        encode({ controller }),
        mine({ miner }),
        lossStep({
          controller,
          loss,
          weight,
          learningRate,
          stepsPerEpoch,
          firstStep,
          ...given({ reconstructionWeight, milestones, clipNorm }),
        }),
        record({ run, event: 'step' }),
        weight === 0 || onCollapse === 'ignore'
          ? identity
          : watchCollapse({
              run,
              reference: reference(),
              onCollapse,
              ...given({ before: logged, onWarning }),
            }),
        checkpoint({ every: checkpointEvery, save }),
      ),
    ),
  );
}
