import type { RecordBatch } from 'apache-arrow';
import { mergeMap, type Observable } from 'rxjs';
import { z } from 'zod';
import { type Columns, type Tokens, tokensOf } from '../core/batch/index.js';
import { breathe } from '../core/breathe.js';
import type { Activations, Controller } from '../core/engine/engine.js';
import type { Scope } from '../core/scope.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import type { InScope } from './inTurn.js';

/** A batch with the activations of its forward pass, which live as long as the scope. */
export interface Encoded<C extends Columns> {
  batch: RecordBatch<C>;
  /** Number of the batch in the stream, from 0. */
  index: number;
  activations: Activations;
  scope: Scope;
}

export interface EncodeOptions {
  controller: Controller;
}

/**
 * The encoder's forward pass (REFERENCE §4), run once: the embeddings go on with what the backward pass needs. To be used
 * in `inTurn`, as the next batch must meet the weights that this one's step leaves behind.
 */
export const encode = defineOperator(
  {
    name: 'encode',
    kind: 'operator',
    summary: 'The encoder’s forward pass, keeping its activations',
    source: 'paper §3.2; REFERENCE §4',
    params: z.strictObject({}),
    needs: ['controller', 'turn'],
    takes: 'batches',
    gives: 'encoded',
    input: { tokens: 'int32[]' },
    output: { embedding: 'float32[]' },
    passes: true,
    resumes: true,
    stability: 'stable',
    example: 'encode: {}',
  },
  ({ controller }: EncodeOptions) =>
    <C extends Columns & { tokens: Tokens }>(
      batches: Observable<InScope<RecordBatch<C>>>,
    ): Observable<Encoded<C>> =>
      batches.pipe(
        mergeMap(async ({ item, index, scope }) => {
          await breathe();
          const activations = await scope.hold(controller.encode(tokensOf(item)));
          scope.onClose(() => activations.dispose());
          return { batch: item, index, activations, scope };
        }),
      ),
);
