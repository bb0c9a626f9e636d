import { type EventRow, rowsOf } from '../core/batch/index.js';
import type { LogRecord } from '../core/run/index.js';

export const stepColumns = [
  'total',
  'reconstruction',
  'metric',
  'spread',
  'effective_rank',
  'gradient_norm',
] as const;
export type StepColumn = (typeof stepColumns)[number];
export type SearchColumn = 'best_test' | 'best_validation' | 'regret';
export type SearchRow = Pick<EventRow<'query'>, 'query' | SearchColumn>;

/** What a report needs of a run's log, gathered record by record: of one that is there, or as it is written. */
export class RunRows {
  /** Events whose records have to be added. */
  static readonly events = ['step', 'query', 'result', 'summary', 'warning', 'stage'] as const;

  /** By column: 13,000 steps are half a megabyte. */
  readonly steps: Readonly<Record<'step' | StepColumn, number[]>> = {
    step: [],
    ...(Object.fromEntries(stepColumns.map((column) => [column, []])) as unknown as Record<
      StepColumn,
      number[]
    >),
  };
  /** A list a search; `variant` where the run is a sweep, as it names them. */
  readonly searches: { variant?: string; rows: SearchRow[] }[] = [];
  /** How the variants of a sweep did. */
  readonly summaries: EventRow<'summary'>[] = [];
  readonly warnings: EventRow<'warning'>[] = [];
  readonly stages: EventRow<'stage'>[] = [];

  /** Records of other events change nothing. */
  add({ event, batch }: Pick<LogRecord, 'event' | 'batch'>): void {
    if (!(RunRows.events as readonly string[]).includes(event)) return;
    for (const row of rowsOf(batch) as Iterable<unknown>) {
      if (event === 'step') this.#step(row as EventRow<'step'>);
      else if (event === 'warning') this.warnings.push(row as EventRow<'warning'>);
      else if (event === 'stage') this.stages.push(row as EventRow<'stage'>);
      else if (event === 'summary') this.summaries.push(row as EventRow<'summary'>);
      else if (event === 'query') this.#query(row as EventRow<'query'>);
      else {
        // Comparisons of rxnas 0.1 name the searcher alone.
        const result = row as EventRow<'result'>;
        this.#query(result, result.variant ?? result.searcher);
      }
    }
  }

  /** The figures of a single run that goes on, as its summary will call them; none of several searches. */
  newest(): Record<string, number> {
    const { steps, searches } = this;
    if (searches.length > 1) return {};
    const { query, ...best } = searches[0]?.rows.at(-1) ?? {};
    if (query !== undefined) return { queries: query, ...best };
    if (steps.step.length === 0) return {};
    const [total, reconstruction, metric] = [steps.total, steps.reconstruction, steps.metric].map(
      (all) => all.at(-1)!,
    );
    return { steps: steps.step.at(-1)! + 1, total: total!, reconstruction: reconstruction!, metric: metric! };
  }

  #step(row: EventRow<'step'>): void {
    this.steps.step.push(row.step);
    for (const column of stepColumns) this.steps[column].push(row[column]);
  }

  #query({ query, best_test, best_validation, regret }: SearchRow, variant?: string): void {
    if (query === 1 || this.searches.length === 0) {
      this.searches.push({ ...(variant !== undefined && { variant }), rows: [] });
    }
    this.searches.at(-1)!.rows.push({ query, best_test, best_validation, regret });
  }
}
