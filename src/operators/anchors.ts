import type { Observable } from 'rxjs';
import { z } from 'zod';
import type { Credit } from '../core/backpressure.js';
import { type AnchorBatch, anchorBatch, anchorSchema } from '../core/batch/index.js';
import { stream } from '../core/random/random.js';
import { dealApart } from '../core/space/apart.js';
import type { CellCode, Space } from '../core/space/space.js';
import { columnsOf } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import { pull } from './pull.js';

export interface AnchorsOptions {
  space: Space;
  seed: number;
  credit: Credit;
  /** Anchors a batch: the classes of one training step. */
  classes: number;
  /** Passes over the space; the rest of a pass that does not fill a batch is left out, as in the reference. */
  epochs: number;
  /** Batches in all, those skipped included; default: all of the epochs. */
  steps?: number;
  /** Batches to skip at the start (a resumed run). */
  skip?: number;
  /** The same order in every epoch, as the reference has it (REFERENCE §9); default false. */
  sameOrder?: boolean;
  /**
   * Least edit distance between the anchors of a batch, found among those of 32 batches: positives are at most 3 edits from their anchor, so that
   * with 4 no anchor is a false negative of another (REFERENCE §9). Default 0: as they come, as in the reference.
   */
  apart?: number;
}

/** Batches among which anchors are dealt apart; a resumed run deals no more than these again. */
const GROUP = 32;

/** Whole batches of `classes` anchors in one pass over the space. */
export const batchesPerEpoch = (space: Space, classes: number): number => Math.floor(space.size / classes);

/**
 * All cells of the space, shuffled by seed and epoch, in batches of `classes` anchors (paper §3.1). Pulled: gives out
 * a batch only while there is credit.
 */
export const anchors = defineOperator(
  {
    name: 'anchors',
    kind: 'source',
    summary: 'All cells of the space in random order, as anchors',
    source: 'paper §3.1; REFERENCE §6',
    params: z.strictObject({
      classes: z
        .int()
        .min(2)
        .max(65_536)
        .optional()
        .describe('anchors a batch: the classes of one training step; default: as many as fill the batch')
        .meta({ unit: 'anchors' }),
      epochs: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(2)
        .describe('passes over the space')
        .meta({ unit: 'epochs' }),
      steps: z
        .int()
        .min(1)
        .max(1_000_000_000)
        .optional()
        .describe('batches in all; default: all of the epochs')
        .meta({ unit: 'batches' }),
      sameOrder: z.boolean().default(false).describe('the same order in every epoch (the reference)'),
      apart: z
        .int()
        .min(0)
        .max(7)
        .default(0)
        .describe('least edit distance between anchors of a batch; 0: as they come (the reference)')
        .meta({ unit: 'edits' }),
    }),
    needs: ['space', 'seed', 'credit', 'skip'],
    input: {},
    output: columnsOf(anchorSchema),
    stability: 'stable',
    example: 'anchors: { classes: 64, epochs: 2 }',
  },
  (options: AnchorsOptions) => {
    const { space, seed, credit, classes, epochs, skip = 0, sameOrder = false, apart = 0 } = options;
    const { steps = Number.POSITIVE_INFINITY } = options;
    const perEpoch = batchesPerEpoch(space, classes);
    const near = (a: CellCode, b: CellCode) => space.distance(a, b, apart - 1) < apart;

    function* epochFrom(first: number, order: Uint32Array): Generator<Uint32Array> {
      const group = apart === 0 ? 1 : GROUP;
      for (let start = first - (first % group); start < perEpoch; start += group) {
        const cells = order.subarray(start * classes, Math.min(start + group, perEpoch) * classes);
        let batch = start;
        for (const dealt of apart === 0 ? [cells] : dealApart(cells, classes, near)) {
          if (batch++ >= first) yield dealt;
        }
      }
    }
    function* batches(): Generator<AnchorBatch> {
      for (let epoch = Math.floor(skip / perEpoch); epoch < epochs; epoch++) {
        const order = stream(seed, 'anchors', sameOrder ? 0 : epoch).shuffle(space.cells().slice());
        const first = Math.max(0, skip - epoch * perEpoch);
        let step = epoch * perEpoch + first;
        for (const cells of epochFrom(first, order)) {
          if (step++ >= steps) return;
          yield anchorBatch(cells);
        }
      }
    }
    return pull({ [Symbol.iterator]: batches }, credit) as Observable<AnchorBatch>;
  },
);
