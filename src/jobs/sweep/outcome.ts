import { type EventRow, rowsOf } from '../../core/batch/index.js';
import { type LogRecord, openRun } from '../../core/run/index.js';
import { standardDeviation } from '../../core/statistics/moments.js';

/** What one search of a sweep came to. Accuracies are fractions. */
export interface SearchOutcome {
  variant: string;
  pretrainSeed: number;
  seed: number;
  /** Queries until its final best cell was found. */
  queriesToBest: number;
  queries: number;
  /** Of the cell that it reports. */
  test: number;
  validation: number;
  regret: number;
  /** 0 where it is not known. */
  rank: number;
  /** Standard deviation of the test accuracies of all that it queried. */
  sd: number;
}

type ResultRow = EventRow<'result'>;

/** The outcome of a search, from its rows. */
export function outcomeOf(rows: readonly ResultRow[]): SearchOutcome {
  const last = rows.at(-1)!;
  const isBest = (row: ResultRow) =>
    row.best_test === last.best_test && row.best_validation === last.best_validation;
  return {
    variant: last.variant,
    pretrainSeed: last.pretrain_seed,
    seed: last.seed,
    queriesToBest: rows.find(isBest)!.query,
    queries: rows.length,
    test: last.best_test,
    validation: last.best_validation,
    regret: last.regret,
    rank: last.rank,
    sd: standardDeviation(rows.map(({ test }) => test)),
  };
}

/** The outcomes of the searches in a log that is read record by record; a search may be spread over several. */
export class Outcomes {
  readonly #ended: SearchOutcome[] = [];
  #rows: ResultRow[] = [];

  add({ batch }: Pick<LogRecord, 'batch'>): void {
    for (const row of rowsOf(batch) as Generator<ResultRow>) {
      if (row.query === 1 && this.#rows.length > 0) {
        this.#ended.push(outcomeOf(this.#rows));
        this.#rows = [];
      }
      this.#rows.push(row);
    }
  }

  /** Those so far; the last search as far as it has been read. */
  soFar(): SearchOutcome[] {
    return this.#rows.length > 0 ? [...this.#ended, outcomeOf(this.#rows)] : [...this.#ended];
  }
}

/** The outcomes of the searches that the log of a sweep holds, in their order. */
export function loggedOutcomes(dir: string): SearchOutcome[] {
  const outcomes = new Outcomes();
  for (const record of openRun(dir).records({ events: ['result'] })) outcomes.add(record);
  return outcomes.soFar();
}

/** The rows of each search in a log: a search begins with its query 1. */
export function* searchesIn(records: Iterable<LogRecord>): Generator<ResultRow[]> {
  let rows: ResultRow[] = [];
  for (const { batch } of records) {
    for (const row of rowsOf(batch) as Generator<ResultRow>) {
      if (row.query === 1 && rows.length > 0) {
        yield rows;
        rows = [];
      }
      rows.push(row);
    }
  }
  if (rows.length > 0) yield rows;
}
