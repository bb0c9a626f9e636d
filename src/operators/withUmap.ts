import { Field, Float32, type RecordBatch, Schema } from 'apache-arrow';
import { map, Observable, switchMap } from 'rxjs';
import { z } from 'zod';
import { type Columns, type Embedding, embeddingsOf, withColumns } from '../core/batch/index.js';
import { breathe } from '../core/breathe.js';
import type { Controller } from '../core/engine/engine.js';
import { usageError } from '../core/errors.js';
import { fitUmap, type UmapLayout, type UmapMetric, umapMetrics } from '../core/projection/umap.js';
import { stream } from '../core/random/random.js';
import type { Space } from '../core/space/index.js';
import { tokensOfCells } from '../core/space/space.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface WithUmapOptions {
  space: Space;
  controller: Controller;
  seed: number;
  /** Codes of the cells that the layout is made from. */
  cells: Uint32Array;
  neighbors?: number;
  minDist?: number;
  metric?: UmapMetric;
}

type Place = { umap_x: Float32; umap_y: Float32 };

const schema = new Schema<Place>([
  new Field('umap_x', new Float32(), false),
  new Field('umap_y', new Float32(), false),
]);

const rowsAtOnce = 512;

/**
 * Adds the place of each embedding in the plane: the columns `umap_x` and `umap_y`. UMAP is computed from a random sample of the space, before
 * the first batch is asked for; the others are placed between their nearest of the sample as they pass (`UmapLayout.place`). Equal
 * seeds and weights give equal places, whatever passes.
 *
 *     in       ......a-b-c|
 *     layout   -----*
 *     out      ......A-B-C|
 */
export const withUmap = defineOperator(
  {
    name: 'withUmap',
    kind: 'operator',
    summary: 'Adds the place of each embedding in the plane, by UMAP',
    source: 'arXiv 1802.03426 (umap-js)',
    params: z.strictObject({
      sample: z
        .int()
        .min(100)
        .max(200_000)
        .default(10_000)
        .describe('random cells of the space that the layout is made from')
        .meta({ unit: 'cells' }),
      neighbors: z
        .int()
        .min(2)
        .max(200)
        .default(15)
        .describe('neighbours that the layout keeps together')
        .meta({ unit: 'cells' }),
      minDist: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe('least distance of points in the plane')
        .meta({ unit: 'distance' }),
      metric: z.enum(umapMetrics).default('euclidean').describe('distance of embeddings'),
    }),
    needs: ['space', 'controller', 'seed', 'cells'],
    takes: 'batches',
    gives: 'batches',
    input: { embedding: 'float32[]' },
    output: { umap_x: 'float32', umap_y: 'float32' },
    passes: true,
    resumes: true,
    stability: 'beta',
    example: 'withUmap: { sample: 10000, neighbors: 15, minDist: 0.1 }',
  },
  (options: WithUmapOptions) =>
    <C extends Columns & { embedding: Embedding }>(
      batches: Observable<RecordBatch<C>>,
    ): Observable<RecordBatch<C & Place>> =>
      layout$(options).pipe(
        switchMap((layout) =>
          batches.pipe(
            map((batch) => {
              const places = layout.place(embeddingsOf(batch) as Float32Array);
              const rows = batch.numRows;
              return withColumns(batch, schema, {
                umap_x: Float32Array.from({ length: rows }, (_, row) => places[2 * row]!),
                umap_y: Float32Array.from({ length: rows }, (_, row) => places[2 * row + 1]!),
              });
            }),
          ),
        ),
      ),
);

/** The layout of the sample; unsubscribing ends the work on it. */
const layout$ = ({
  space,
  controller,
  seed,
  cells,
  neighbors = 15,
  minDist = 0.1,
  metric = 'euclidean',
}: WithUmapOptions) =>
  new Observable<UmapLayout>((subscriber) => {
    const work = async () => {
      if (cells.length <= neighbors) {
        throw usageError(
          `${cells.length} cells cannot be laid out with ${neighbors} neighbours each`,
          'take a larger sample or fewer neighbours',
        );
      }
      const { dim } = controller.config;
      const values = new Float32Array(cells.length * dim);
      for (let at = 0; at < cells.length && !subscriber.closed; at += rowsAtOnce) {
        await breathe();
        values.set(
          await controller.embed(tokensOfCells(space, cells.subarray(at, at + rowsAtOnce))),
          at * dim,
        );
      }
      const settings = { neighbors, minDist, metric };
      return fitUmap(values, dim, settings, stream(seed, 'umap'), () => subscriber.closed);
    };
    work().then(
      (layout) => {
        subscriber.next(layout);
        subscriber.complete();
      },
      (error) => subscriber.error(error),
    );
  });
