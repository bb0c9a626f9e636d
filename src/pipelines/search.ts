import { concat, concatMap, defer, EMPTY, from, map, type Observable, repeat, takeWhile } from 'rxjs';
import type { EventRow } from '../core/batch/index.js';
import type { Benchmark } from '../core/benchmark/benchmark.js';
import type { Pool, QueryRow } from '../core/search/pool.js';
import { type BenchmarkLookupOptions, benchmarkLookup } from '../operators/benchmarkLookup.js';
import type { ProposalRow } from '../operators/naoPropose.js';
import type { TrainRow } from '../operators/trainOnPool.js';
import type { Searcher } from './searchers/searcher.js';

/** The end of a round: where a run is checkpointed. */
export interface RoundRow {
  round: number;
  /** Queries so far. */
  queries: number;
  /** New cells of this round. */
  fresh: number;
  /** Rounds in a row, up to this one, without a new cell. */
  dryRounds: number;
}

/** What a search says of itself, one row at a time. */
export type SearchEvent =
  | { event: 'query'; row: QueryRow }
  /** Of the query before it: its training was stopped early. */
  | { event: 'warning'; row: EventRow<'warning'> }
  | { event: 'proposal'; row: ProposalRow }
  | { event: 'train'; row: TrainRow }
  | { event: 'round'; row: RoundRow };

export interface SearchOptions {
  searcher: Searcher;
  benchmark: Benchmark;
  pool: Pool;
  /** Most queries. */
  budget: number;
  /** Simulated training seconds after which no query is made any more; default: no limit. */
  seconds?: number | undefined;
  /** Most rounds, the initial sample included; default: as many as the budget takes. */
  rounds?: number | undefined;
  /** First round to run: 0, or the one after the checkpoint that a run is resumed from. */
  firstRound?: number;
  /** The search ends after so many rounds in a row without a new cell (REFERENCE §7: it runs dry). */
  patience?: number;
  /** Rounds without a new cell before the first one to run (a resumed run). */
  dryRounds?: number;
  /** How the benchmark is asked; see `benchmarkLookup`. */
  lookup?: Pick<BenchmarkLookupOptions, 'concurrency' | 'retries' | 'backoff'>;
  /** Completes when the round's state is safe; the next round begins after it. */
  checkpoint?: (row: RoundRow) => Promise<void>;
}

/**
 * The search of the paper (§3.3): propose → benchmark lookup → train, round after round, until the budget is spent, the
 * rounds are over or nothing new is found.
 */
export function search(options: SearchOptions): Observable<SearchEvent> {
  const { searcher, benchmark, pool, budget, patience = 3, lookup, checkpoint } = options;
  const { seconds = Number.POSITIVE_INFINITY, rounds = Number.POSITIVE_INFINITY, firstRound = 0 } = options;
  let { dryRounds = 0 } = options;
  const finished = () => pool.size >= budget || pool.seconds >= seconds || dryRounds >= patience;

  const round = (index: number) =>
    defer(() => {
      const before = pool.size;
      const reported: ProposalRow[] = [];

      const warnings: EventRow<'warning'>[] = [];
      const onStopped: BenchmarkLookupOptions['onStopped'] = (row, why) =>
        warnings.push({ code: `training-${why}`, message: stoppedMessage[why](row), step: row.query });

      const queries = searcher
        .propose(index, (row) => reported.push(row))
        .pipe(
          benchmarkLookup({ ...lookup, benchmark, pool, budget, seconds, onStopped }),
          concatMap((row): SearchEvent[] => [
            { event: 'query', row },
            ...warnings.splice(0).map((row) => ({ event: 'warning' as const, row })),
          ]),
        );

      const learning = defer(() => {
        dryRounds = pool.size > before ? 0 : dryRounds + 1;
        return finished() || !searcher.train ? EMPTY : searcher.train(index);
      }).pipe(as('train'));

      const end = defer(async (): Promise<RoundRow> => {
        const row = { round: index, queries: pool.size, fresh: pool.size - before, dryRounds };
        await checkpoint?.(row);
        return row;
      }).pipe(as('round'));

      return concat(queries, defer(() => from(reported)).pipe(as('proposal')), learning, end);
    });

  return defer(() => {
    let next = firstRound;
    // A run may have been stopped between its last round and its end.
    if (finished() || next >= rounds) return EMPTY;
    return defer(() => round(next++)).pipe(
      repeat(rounds - firstRound),
      takeWhile(({ event }) => event !== 'round' || !finished(), true),
    );
  });
}

const stoppedMessage = {
  diverged: ({ query, hash }: QueryRow) =>
    `query ${query} (${hash}): training diverged, the accuracy is that of chance`,
  time: ({ query, hash }: QueryRow) =>
    `query ${query} (${hash}): the time of a training was up before its end`,
};

/** Names the kind of a row. */
const as =
  <E extends SearchEvent['event']>(event: E) =>
  (rows: Observable<Extract<SearchEvent, { event: E }>['row']>): Observable<SearchEvent> =>
    rows.pipe(map((row) => ({ event, row }) as unknown as SearchEvent));
