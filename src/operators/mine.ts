import type { Int32 } from 'apache-arrow';
import { map, type Observable } from 'rxjs';
import { z } from 'zod';
import { type Columns, labelsOf } from '../core/batch/index.js';
import { EmbeddingBatch } from '../core/distances/index.js';
import type { Miner, Selection } from '../core/miners/index.js';
import { choice } from '../core/spec/component.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import type { Encoded } from './encode.js';

/** An encoded batch with the tuples that were chosen from it. */
export interface Mined<C extends Columns> extends Encoded<C> {
  /** The batch's embeddings, normalised, with the matrices that miner and loss share. Valid until the next batch is mined. */
  embeddings: EmbeddingBatch;
  /** What the miner chose, compact; listed on demand (`selection.listTriplets()`). */
  selection: Selection;
}

export interface MineOptions {
  miner: Miner;
}

/** Chooses tuples of anchor, positive and negative from the embeddings of a batch (paper §3.2, REFERENCE §5). */
export const mine = defineOperator(
  {
    name: 'mine',
    kind: 'operator',
    summary: 'Chooses tuples from the embeddings of a batch',
    source: 'paper §3.2; REFERENCE §5',
    params: z.strictObject({
      miner: choice('miner')
        .optional()
        .describe('miner; default: the one of the paper’s experiment with the loss'),
    }),
    needs: ['turn'],
    takes: 'encoded',
    gives: 'encoded',
    input: { label: 'int32', embedding: 'float32[]' },
    output: { selection: 'selection' },
    passes: true,
    resumes: true,
    stability: 'stable',
    example: 'mine: { miner: { TripletMargin: { margin: 0.1 } } }',
  },
  ({ miner }: MineOptions) => {
    const embeddings = new EmbeddingBatch();
    return <C extends Columns & { label: Int32 }>(batches: Observable<Encoded<C>>): Observable<Mined<C>> =>
      batches.pipe(
        map((encoded) => {
          embeddings.load(encoded.activations.embeddings, labelsOf(encoded.batch));
          return { ...encoded, embeddings, selection: miner.mine(embeddings) };
        }),
      );
  },
);
