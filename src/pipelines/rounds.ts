import { concat, defer, EMPTY, map, type Observable, repeat, takeWhile } from 'rxjs';
import type { Pool } from '../core/search/pool.js';
import type { ProposalRow } from '../operators/naoPropose.js';
import type { Round } from '../operators/round.js';

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

export interface RoundsOptions {
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
  /** Completes when the round's state is safe; the next round begins after it. */
  checkpoint?: (row: RoundRow) => Promise<void>;
}

/** What a round gave: a row of its stages, or its end. */
export type RoundEvent<T> = { row: T; end?: undefined } | { end: RoundRow };

/** Runs `stages` round after round, until the budget is spent, the rounds are over or nothing new is found. */
export function rounds<T>(
  options: RoundsOptions,
  stages: (round: Round) => Observable<T>,
): Observable<RoundEvent<T>> {
  const { pool, budget, firstRound = 0, patience = 3, checkpoint } = options;
  const { seconds = Number.POSITIVE_INFINITY, rounds = Number.POSITIVE_INFINITY } = options;
  let { dryRounds = 0 } = options;
  const finished = (dry: number) => pool.size >= budget || pool.seconds >= seconds || dry >= patience;

  const round = (index: number) =>
    defer(() => {
      const before = pool.size;
      const dry = () => (pool.size > before ? 0 : dryRounds + 1);
      const reported: ProposalRow[] = [];
      const rows = stages({ index, reported, ended: () => finished(dry()) });
      const end = defer(async () => {
        dryRounds = dry();
        const row: RoundRow = { round: index, queries: pool.size, fresh: pool.size - before, dryRounds };
        await checkpoint?.(row);
        return row;
      });
      return concat(
        rows.pipe(map((row): RoundEvent<T> => ({ row }))),
        end.pipe(map((end): RoundEvent<T> => ({ end }))),
      );
    });

  return defer(() => {
    let next = firstRound;
    // A run may have been stopped between its last round and its end.
    if (finished(dryRounds) || next >= rounds) return EMPTY;
    return defer(() => round(next++)).pipe(
      repeat(rounds - firstRound),
      takeWhile(({ end }) => !end || !finished(dryRounds), true),
    );
  });
}
