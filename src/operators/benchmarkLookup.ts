import { concatMap, filter, type OperatorFunction, take } from 'rxjs';
import { z } from 'zod';
import { eventSchemas } from '../core/batch/index.js';
import type { Benchmark } from '../core/benchmark/benchmark.js';
import { type Pool, type Proposal, proposalColumns, type QueryRow } from '../core/search/pool.js';
import { columnsOf } from '../core/spec/columns.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface BenchmarkLookupOptions {
  benchmark: Benchmark;
  pool: Pool;
  /** Most queries of the whole search. */
  budget: number;
}

/**
 * Evaluates proposals in their order and counts each as one query of the pool. Proposals that the pool has already are passed over
 * uncharged, unless sequences count (then the searcher says what is new); at the budget the source is unsubscribed.
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
    }),
    needs: ['benchmark', 'pool'],
    input: proposalColumns,
    output: columnsOf(eventSchemas.query),
    stability: 'stable',
    example: 'benchmarkLookup: { budget: 300 }',
  },
  ({ benchmark, pool, budget }: BenchmarkLookupOptions): OperatorFunction<Proposal, QueryRow> =>
    (proposals) => {
      const isNew = ({ cell }: Proposal) => pool.identity === 'sequence' || !pool.has(cell);
      return proposals.pipe(
        filter(isNew),
        take(Math.max(0, budget - pool.size)),
        concatMap(async (proposal) => ({ proposal, evaluation: await benchmark.lookup(proposal.cell) })),
        // Again, as an isomorphic copy may have waited in the same round.
        filter(({ proposal }) => isNew(proposal)),
        concatMap(({ proposal, evaluation }) => [pool.add(proposal, evaluation)]),
      );
    },
);
