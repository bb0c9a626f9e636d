import { concat, concatMap, map, type Observable } from 'rxjs';
import type { EventRow } from '../core/batch/index.js';
import type { Benchmark } from '../core/benchmark/benchmark.js';
import type { QueryRow } from '../core/search/pool.js';
import {
  type BenchmarkLookupOptions,
  benchmarkLookup,
  stoppedWarning,
} from '../operators/benchmarkLookup.js';
import { learn } from '../operators/learn.js';
import type { ProposalRow } from '../operators/naoPropose.js';
import { proposals } from '../operators/proposals.js';
import { propose } from '../operators/propose.js';
import type { TrainRow } from '../operators/trainOnPool.js';
import { type RoundRow, type RoundsOptions, rounds } from './rounds.js';
import type { Searcher } from './searchers/searcher.js';

/** What a search says of itself, one row at a time. */
export type SearchEvent =
  | { event: 'query'; row: QueryRow }
  /** Of the query before it: its training was stopped early. */
  | { event: 'warning'; row: EventRow<'warning'> }
  | { event: 'proposal'; row: ProposalRow }
  | { event: 'train'; row: TrainRow }
  | { event: 'round'; row: RoundRow };

export interface SearchOptions extends RoundsOptions {
  searcher: Searcher;
  benchmark: Benchmark;
  /** How the benchmark is asked; see `benchmarkLookup`. */
  lookup?: Pick<BenchmarkLookupOptions, 'concurrency' | 'retries' | 'backoff'>;
}

/**
 * The search of the paper (§3.3): propose → benchmark lookup → train, round after round, until the budget is spent, the
 * rounds are over or nothing new is found.
 */
export function search(options: SearchOptions): Observable<SearchEvent> {
  const { searcher, benchmark, pool, budget, seconds, lookup } = options;
  const warnings: EventRow<'warning'>[] = [];
  const onStopped: BenchmarkLookupOptions['onStopped'] = (row, why) =>
    warnings.push(stoppedWarning(row, why));
  return rounds(options, (inRound) =>
    concat(
      propose({ searcher, inRound }).pipe(
        benchmarkLookup({ ...lookup, benchmark, pool, budget, seconds, onStopped }),
        concatMap((row): SearchEvent[] => [
          { event: 'query', row },
          ...warnings.splice(0).map((row) => ({ event: 'warning' as const, row })),
        ]),
      ),
      proposals({ inRound }).pipe(as('proposal')),
      learn({ searcher, inRound }).pipe(as('train')),
    ),
  ).pipe(map((event) => (event.end ? { event: 'round', row: event.end } : event.row)));
}

/** Names the kind of a row. */
const as =
  <E extends SearchEvent['event']>(event: E) =>
  (rows: Observable<Extract<SearchEvent, { event: E }>['row']>): Observable<SearchEvent> =>
    rows.pipe(map((row) => ({ event, row }) as unknown as SearchEvent));
