import type { Observable } from 'rxjs';
import { z } from 'zod';
import type { Credit } from '../core/backpressure.js';
import { type AnchorBatch, anchorBatch } from '../core/batch/index.js';
import { stream } from '../core/random/random.js';
import type { Space } from '../core/space/space.js';
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
  /** Batches to skip at the start (a resumed run). */
  skip?: number;
  /** The same order in every epoch, as the reference has it (REFERENCE §9); default false. */
  sameOrder?: boolean;
}

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
    params: z.strictObject({
      classes: z.int().min(2).default(64).describe('anchors a batch'),
      epochs: z.int().min(1).default(2).describe('passes over the space'),
      sameOrder: z.boolean().default(false).describe('the same order in every epoch (the reference)'),
    }),
    needs: ['space', 'seed', 'credit'],
    input: [],
    output: ['anchor'],
    stability: 'stable',
    example: 'anchors: { classes: 64, epochs: 2 }',
  },
  ({ space, seed, credit, classes, epochs, skip = 0, sameOrder = false }: AnchorsOptions) => {
    function* batches(): Generator<AnchorBatch> {
      const perEpoch = batchesPerEpoch(space, classes);
      let order: Uint32Array | undefined;
      for (let step = skip; step < perEpoch * epochs; step++) {
        const within = step % perEpoch;
        if (!order || within === 0) {
          const epoch = sameOrder ? 0 : Math.floor(step / perEpoch);
          order = stream(seed, 'anchors', epoch).shuffle(space.cells().slice());
        }
        yield anchorBatch(order.subarray(within * classes, (within + 1) * classes));
      }
    }
    return pull({ [Symbol.iterator]: batches }, credit) as Observable<AnchorBatch>;
  },
);
