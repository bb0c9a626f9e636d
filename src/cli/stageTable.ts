import type { EventRow } from '../core/batch/index.js';
import { percent, table, thousands } from './output.js';

const seconds = (value: number) => (value >= 100 ? thousands(Math.round(value)) : value.toPrecision(3));

/** Where the time of a run went: a line for each stage. */
export function stageTable(stages: readonly EventRow<'stage'>[]): string[] {
  const total = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  if (total === 0) return [];
  return table(
    ['stage', 'rows in', 'rows out', 'held', 'dropped', 'seconds', 'share', 'waiting'],
    stages.map((stage) => [
      stage.stage,
      thousands(stage.in),
      thousands(stage.out),
      stage.buffered === 0 ? '–' : String(stage.buffered),
      thousands(stage.dropped),
      seconds(stage.seconds),
      percent(stage.seconds / total, 1),
      stage.waiting === 0 ? '–' : seconds(stage.waiting),
    ]),
  );
}
