import { type EventBatch, embeddingsOf, values } from '../batch/index.js';
import type { StoredRun } from './run.js';

/** Embeddings of cells: `values` is row-major [cells, width]. */
export interface CellEmbeddings {
  cells: Uint32Array;
  values: Float32Array;
  width: number;
}

/** The embeddings that a run has logged, in the order of the log; undefined where it has none. */
export function readEmbeddings(run: StoredRun): CellEmbeddings | undefined {
  const batches: EventBatch<'embedding'>[] = [];
  for (const { batch } of run.records({ events: ['embedding'] })) {
    if (batch.numRows > 0) batches.push(batch as unknown as EventBatch<'embedding'>);
  }
  const [first] = batches;
  if (!first) return undefined;
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  const width = embeddingsOf(first).length / first.numRows;
  const all = { cells: new Uint32Array(rows), values: new Float32Array(rows * width), width };
  let at = 0;
  for (const batch of batches) {
    all.cells.set(values(batch, 'cell') as Uint32Array, at);
    all.values.set(embeddingsOf(batch), at * width);
    at += batch.numRows;
  }
  return all;
}
