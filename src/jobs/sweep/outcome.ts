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

/** Parts a log that is read record by record into its searches: one begins with its query 1, and may be spread over several records. */
class SearchRows {
  /** Of the last search, as far as it has been read. */
  last: ResultRow[] = [];

  /** The searches that end with this record. */
  *add({ batch }: Pick<LogRecord, 'batch'>): Generator<ResultRow[]> {
    for (const row of rowsOf(batch) as Generator<ResultRow>) {
      if (row.query === 1 && this.last.length > 0) {
        yield this.last;
        this.last = [];
      }
      this.last.push(row);
    }
  }
}

/** The outcomes of the searches in a log that is read record by record. */
export class Outcomes {
  readonly #rows = new SearchRows();
  readonly #ended: SearchOutcome[] = [];

  add(record: Pick<LogRecord, 'batch'>): void {
    for (const rows of this.#rows.add(record)) this.#ended.push(outcomeOf(rows));
  }

  /** Those so far; the last search as far as it has been read. */
  soFar(): SearchOutcome[] {
    const { last } = this.#rows;
    return last.length > 0 ? [...this.#ended, outcomeOf(last)] : [...this.#ended];
  }
}

/** The outcomes of the searches that the log of a sweep holds, in their order. */
export function loggedOutcomes(dir: string): SearchOutcome[] {
  const outcomes = new Outcomes();
  for (const record of openRun(dir).records({ events: ['result'] })) outcomes.add(record);
  return outcomes.soFar();
}

/** The rows of each search in a log. */
export function* searchesIn(records: Iterable<LogRecord>): Generator<ResultRow[]> {
  const rows = new SearchRows();
  for (const record of records) yield* rows.add(record);
  if (rows.last.length > 0) yield rows.last;
}
