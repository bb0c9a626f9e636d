import { Field, FixedSizeList, Int32, type RecordBatch, Schema, type Uint32 } from 'apache-arrow';
import { map, type Observable } from 'rxjs';
import { z } from 'zod';
import { type Columns, type Tokens, values, withColumns } from '../core/batch/index.js';
import type { Space } from '../core/space/index.js';
import { tokensOfCells } from '../core/space/space.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface WithTokensOptions {
  space: Space;
}

/** Adds each cell's token sequence, padded with 0 (REFERENCE §2): the column `tokens`. */
export const withTokens = defineOperator(
  {
    name: 'withTokens',
    kind: 'operator',
    summary: 'Adds the token sequence of each cell',
    source: 'REFERENCE §2',
    params: z.strictObject({}),
    needs: ['space'],
    takes: 'batches',
    gives: 'batches',
    input: { cell: 'uint32' },
    output: { tokens: 'int32[]' },
    passes: true,
    resumes: true,
    stability: 'stable',
    example: 'withTokens: {}',
  },
  ({ space }: WithTokensOptions) => {
    const items = new FixedSizeList(space.sequenceLength, new Field('item', new Int32(), false));
    const schema = new Schema<{ tokens: Tokens }>([new Field('tokens', items, false)]);
    return <C extends Columns & { cell: Uint32 }>(
      batches: Observable<RecordBatch<C>>,
    ): Observable<RecordBatch<C & { tokens: Tokens }>> =>
      batches.pipe(
        map((batch) =>
          withColumns(batch, schema, { tokens: tokensOfCells(space, values(batch, 'cell') as Uint32Array) }),
        ),
      );
  },
);
