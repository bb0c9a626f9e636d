import { concatMap, type Observable, range } from 'rxjs';
import { z } from 'zod';
import { type EventBatch, embeddingBatch } from '../core/batch/index.js';
import { breathe } from '../core/breathe.js';
import type { Controller } from '../core/engine/engine.js';
import type { Space } from '../core/space/index.js';
import { tokensOfCells } from '../core/space/space.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface EmbedCellsOptions {
  space: Space;
  controller: Controller;
  /** Codes of the cells to embed. */
  cells: Uint32Array;
  /** Cells a batch. */
  rows?: number;
}

/** Architecture embeddings of cells, batch by batch: rows of the `embedding` event. */
export const embedCells = defineOperator(
  {
    name: 'embedCells',
    kind: 'source',
    summary: 'Architecture embeddings of cells',
    source: 'paper §3.2; REFERENCE §4',
    params: z.strictObject({
      sample: z
        .union([z.int().min(0).max(10_000_000), z.enum(['all', 'queried', 'known'])])
        .default(4096)
        .describe(
          'which cells: so many random ones, all of the space, those that the search has queried, or those that the benchmark knows',
        )
        .meta({ unit: 'cells' }),
      rows: z.int().min(1).max(1_000_000).default(512).describe('cells a batch').meta({ unit: 'cells' }),
    }),
    needs: ['space', 'controller', 'cells'],
    input: {},
    output: { cell: 'uint32', hash: 'utf8', embedding: 'float32[]' },
    stability: 'stable',
    example: 'embedCells: { sample: 4096 }',
  },
  ({ space, controller, cells, rows = 512 }: EmbedCellsOptions): Observable<EventBatch<'embedding'>> =>
    range(0, Math.ceil(cells.length / rows)).pipe(
      concatMap(async (index) => {
        await breathe();
        const cell = cells.subarray(index * rows, (index + 1) * rows);
        const hash = Array.from(cell, (code) => space.hash(code));
        const embedding = await controller.embed(tokensOfCells(space, cell));
        return embeddingBatch(controller.config.dim, { cell, hash, embedding });
      }),
    ),
);
