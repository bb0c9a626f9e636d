import { map, type OperatorFunction } from 'rxjs';
import {
  anchorsOf,
  type CellBatch,
  cellBatch,
  cellsOf,
  defineOperator,
  labelsOf,
  mutantCell,
  mutantEdits,
  type Space,
  stream,
  tokensOf,
  values,
  z,
} from 'rxnas';

interface NearFirstOptions {
  space: Space;
  seed: number;
  /** Number of the first batch of the stream, from 0. */
  firstStep?: number;
  from: number;
  to: number;
  steps: number;
}

/**
 * A curriculum over edit distance: in the first batches, positives are at most `from` edits from their anchor, after `steps` batches `to`. A
 * positive that is too far is drawn again, ten times at most; then the anchor itself takes its place.
 */
export const nearFirst = defineOperator(
  {
    name: 'nearFirst',
    kind: 'operator',
    summary: 'Positives near their anchor first, farther ones later',
    source: 'curriculum learning, Bengio et al., ICML 2009',
    params: z.strictObject({
      from: z
        .int()
        .min(1)
        .max(3)
        .default(1)
        .describe('largest edit distance at the start')
        .meta({ unit: 'edits' }),
      to: z
        .int()
        .min(1)
        .max(3)
        .default(3)
        .describe('largest edit distance at the end')
        .meta({ unit: 'edits' }),
      steps: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(1000)
        .describe('batches until the end is reached')
        .meta({ unit: 'steps' }),
    }),
    needs: ['space', 'seed', 'firstStep'],
    takes: 'batches',
    gives: 'batches',
    input: { anchor: 'uint32', cell: 'uint32', label: 'int32', edits: 'uint8', tokens: 'int32[]' },
    output: { anchor: 'uint32', cell: 'uint32', label: 'int32', edits: 'uint8', tokens: 'int32[]' },
    stability: 'experimental',
    example: 'nearFirst: { from: 1, to: 3, steps: 500 }',
  },
  ({
    space,
    seed,
    firstStep = 0,
    from,
    to,
    steps,
  }: NearFirstOptions): OperatorFunction<CellBatch, CellBatch> =>
    map((batch, index) => {
      const step = firstStep + index;
      const most = from + Math.floor(((to - from + 1) * Math.min(step, steps - 1)) / steps);
      const random = stream(seed, 'nearFirst', step);
      const anchor = anchorsOf(batch);
      const columns = {
        anchor,
        cell: cellsOf(batch).slice(),
        label: labelsOf(batch),
        edits: values(batch, 'edits').slice(),
        tokens: tokensOf(batch).slice(),
      };
      for (let row = 0; row < batch.numRows; row++) {
        if (columns.edits[row]! <= most) continue;
        let cell = anchor[row]!;
        let edits = 0;
        for (let attempt = 0; attempt < 10 && edits === 0; attempt++) {
          const drawn = space.mutateWithEdits(anchor[row]!, random);
          if (mutantEdits(drawn) > most) continue;
          cell = mutantCell(drawn);
          edits = mutantEdits(drawn);
        }
        columns.cell[row] = cell;
        columns.edits[row] = edits;
        space.encode(cell, columns.tokens, row * space.sequenceLength);
      }
      return cellBatch(space.sequenceLength, columns);
    }),
);
