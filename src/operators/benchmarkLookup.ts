import { defer, EMPTY, filter, finalize, map, type OperatorFunction, take, takeWhile } from 'rxjs';
import { z } from 'zod';
import { type EventRow, eventSchemas } from '../core/batch/index.js';
import type { Benchmark, Evaluation } from '../core/benchmark/benchmark.js';
import { dataError } from '../core/errors.js';
import { withRetries } from '../core/retry.js';
import { type Pool, type Proposal, proposalColumns, type QueryRow } from '../core/search/pool.js';
import type { CellCode } from '../core/space/space.js';
import { columnsOf } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';
import { inOrder } from './inOrder.js';

export interface BenchmarkLookupOptions {
  benchmark: Benchmark;
  pool: Pool;
  /** Most queries of the whole search. */
  budget: number;
  /** Simulated training seconds after which no query is made any more; default: no limit. */
  seconds?: number | undefined;
  /** Lookups under way at once; default: what the benchmark says of itself. */
  concurrency?: number | undefined;
  /** Further attempts at a lookup that fails for a passing reason. */
  retries?: number;
  /** Milliseconds before the first of them, doubled for each further one. */
  backoff?: number;
  /** Told a row whose training was stopped early, before the row flows on; see {@link stoppedWarning}. */
  onStopped?: (row: QueryRow, why: NonNullable<Evaluation['stopped']>) => void;
}

/**
 * Evaluates proposals and counts each as one query of the pool, in the order in which they were proposed, also where lookups overlap,
 * are slow, fail or answer in another order. Proposals that the pool has already are passed over uncharged, unless sequences
 * count (then the searcher says what is new). At the budget the source is unsubscribed; the query with which the training
 * seconds are spent is the last one.
 *
 * A lookup that fails is made again, later and later (`retries`, `backoff`): its cell is charged once. An error that a user has to put right,
 * such as a cell that the benchmark does not know, ends the search at once.
 *
 *     proposals  a b a c |
 *     lookups    a--, b-, c✗-c
 *     out        ---a b---c|
 */
export const benchmarkLookup = defineOperator(
  {
    name: 'benchmarkLookup',
    kind: 'operator',
    summary: 'Queries the benchmark and counts the query',
    source: 'paper §3.3; REFERENCE §7',
    params: z.strictObject({
      budget: z
        .int()
        .min(1)
        .max(10_000_000)
        .default(1000)
        .describe('most queries of the whole search')
        .meta({ unit: 'queries' }),
      seconds: z
        .number()
        .positive()
        .optional()
        .describe('simulated training time after which no query is made any more; default: no limit')
        .meta({ unit: 's' }),
      concurrency: z
        .int()
        .min(1)
        .max(1024)
        .optional()
        .describe('lookups under way at once; default: what the benchmark says of itself')
        .meta({ unit: 'lookups' }),
      retries: z
        .int()
        .min(0)
        .max(1000)
        .default(6)
        .describe('further attempts at a lookup that fails for a passing reason')
        .meta({ unit: 'attempts' }),
      backoff: z
        .number()
        .min(0)
        .max(60_000)
        .default(50)
        .describe('wait before the first of them, doubled for each further one')
        .meta({ unit: 'ms' }),
    }),
    needs: ['benchmark', 'pool', 'onStopped'],
    takes: 'rows',
    gives: 'rows',
    input: proposalColumns,
    output: columnsOf(eventSchemas.query),
    resumes: true,
    stability: 'stable',
    example: 'benchmarkLookup: { budget: 300 }',
  },
  ({
    benchmark,
    pool,
    budget,
    seconds = Number.POSITIVE_INFINITY,
    concurrency = benchmark.concurrency ?? 1,
    retries = 6,
    backoff = 50,
    onStopped,
  }: BenchmarkLookupOptions): OperatorFunction<Proposal, QueryRow> =>
    (proposals) =>
      defer(() => {
        const stopped = new AbortController();
        const asked = new Set<CellCode>();
        const isNew = ({ cell }: Proposal) => {
          if (pool.identity === 'sequence') return true;
          const canonical = pool.space.canonical(cell);
          if (asked.has(canonical) || pool.has(cell)) return false;
          asked.add(canonical);
          return true;
        };
        const lookup = async (proposal: Proposal) => {
          const what = `${benchmark.name}: the lookup of ${pool.space.describe(proposal.cell).text}`;
          const evaluation = await withRetries(() => benchmark.lookup(proposal.cell), {
            retries,
            backoff,
            what,
            signal: stopped.signal,
          });
          if (seconds < Number.POSITIVE_INFINITY && Number.isNaN(evaluation.seconds)) {
            throw dataError(
              `${benchmark.name} does not know how long ${pool.space.describe(proposal.cell).text} trains`,
              'give the budget in queries',
            );
          }
          return { proposal, evaluation };
        };
        const spent = () => pool.seconds >= seconds;
        if (spent()) return EMPTY;
        return proposals.pipe(
          filter(isNew),
          take(Math.max(0, budget - pool.size)),
          inOrder(concurrency, lookup),
          map(({ proposal, evaluation }) => {
            const row = pool.add(proposal, evaluation);
            if (evaluation.stopped) onStopped?.(row, evaluation.stopped);
            return row;
          }),
          takeWhile(() => !spent(), true),
          finalize(() => stopped.abort()),
        );
      }),
);

const stoppedMessage = {
  diverged: 'training diverged, the accuracy is that of chance',
  failed: 'training was given up, the accuracy is that of chance',
  time: 'the time of a training was up before its end',
};

/** The warning that belongs behind a query whose training was stopped early. */
export const stoppedWarning = (
  { query, hash }: QueryRow,
  why: NonNullable<Evaluation['stopped']>,
): EventRow<'warning'> => ({
  code: `training-${why}`,
  message: `query ${query} (${hash}): ${stoppedMessage[why]}`,
  step: query,
});
