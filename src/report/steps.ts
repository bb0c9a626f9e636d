import { rowsOf } from '../core/batch/index.js';
import { dataError } from '../core/errors.js';
import type { StoredRun } from '../core/run/index.js';

/** Figures of a pretraining over its steps. */
export interface StepPoint {
  /** The last step of those that the means are of. */
  step: number;
  total: number;
  reconstruction: number;
  metric: number;
  spread: number;
  effective_rank: number;
}

const columns = ['total', 'reconstruction', 'metric', 'spread', 'effective_rank'] as const;
const mostPoints = 500;

/** A run's steps, each point the mean of as many as make at most 500 points. Throws exit code 3 where it has none. */
export function stepPoints(run: StoredRun): StepPoint[] {
  const rows: StepPoint[] = [];
  for (const { batch } of run.records({ events: ['step'] })) {
    for (const row of rowsOf(batch) as Iterable<StepPoint>) rows.push(row);
  }
  if (rows.length === 0) {
    throw dataError(`the run ${run.dir} has no training steps`, 'give the run of a pretraining');
  }
  const every = Math.ceil(rows.length / mostPoints);
  return Array.from({ length: Math.ceil(rows.length / every) }, (_, i) => {
    const part = rows.slice(i * every, (i + 1) * every);
    const point = { step: part.at(-1)!.step } as StepPoint;
    for (const column of columns) {
      point[column] = part.reduce((sum, row) => sum + row[column], 0) / part.length;
    }
    return point;
  });
}
