import { map, type OperatorFunction } from 'rxjs';
import { z } from 'zod';
import {
  type AnchorBatch,
  anchorSchema,
  anchorsOf,
  type CellBatch,
  cellBatch,
  cellSchema,
} from '../core/batch/index.js';
import { stream } from '../core/random/random.js';
import { mutantCell, mutantEdits, type Space } from '../core/space/space.js';
import { columnsOf } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface MutateOptions {
  space: Space;
  seed: number;
  /** Cells of a class: the anchor and its positives. */
  samplesPerClass: number;
  /** Number of the first batch, from 0: its positives come from the random stream of that number. */
  firstStep?: number;
}

/**
 * Makes each anchor a class: the anchor itself and `samplesPerClass − 1` positives, cells one to three random edits
 * away (paper §3.1, REFERENCE §3). A batch's positives depend on the seed and the batch's number alone.
 */
export const mutate = defineOperator(
  {
    name: 'mutate',
    kind: 'operator',
    summary: 'Positives around each anchor, one to three random edits away',
    source: 'paper §3.1; REFERENCE §3',
    params: z.strictObject({
      samplesPerClass: z
        .int()
        .min(2)
        .max(65_536)
        .default(8)
        .describe('cells of a class, the anchor included')
        .meta({ unit: 'cells' }),
    }),
    needs: ['space', 'seed', 'firstStep'],
    takes: 'batches',
    gives: 'batches',
    input: columnsOf(anchorSchema),
    output: columnsOf(cellSchema(1)),
    stability: 'stable',
    example: 'mutate: { samplesPerClass: 8 }',
  },
  ({
    space,
    seed,
    samplesPerClass,
    firstStep = 0,
  }: MutateOptions): OperatorFunction<AnchorBatch, CellBatch> =>
    map((batch, index) => {
      const step = firstStep + index;
      const random = stream(seed, 'mutate', step);
      const anchors = anchorsOf(batch);
      const rows = anchors.length * samplesPerClass;
      const { sequenceLength } = space;
      const columns = {
        anchor: new Uint32Array(rows),
        cell: new Uint32Array(rows),
        label: new Int32Array(rows),
        edits: new Uint8Array(rows),
        tokens: new Int32Array(rows * sequenceLength),
      };
      let row = 0;
      for (let k = 0; k < anchors.length; k++) {
        const anchor = anchors[k]!;
        for (let sample = 0; sample < samplesPerClass; sample++, row++) {
          let cell = anchor;
          if (sample > 0) {
            const positive = space.mutateWithEdits(anchor, random);
            cell = mutantCell(positive);
            columns.edits[row] = mutantEdits(positive);
          }
          columns.anchor[row] = anchor;
          columns.cell[row] = cell;
          columns.label[row] = step * anchors.length + k;
          space.encode(cell, columns.tokens, row * sequenceLength);
        }
      }
      return cellBatch(sequenceLength, columns);
    }),
);
