import { Observable } from 'rxjs';
import { z } from 'zod';
import type { Benchmark } from '../core/benchmark/benchmark.js';
import { stream } from '../core/random/random.js';
import { type Pool, type Proposal, proposalColumns } from '../core/search/pool.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface SeedCellsOptions {
  benchmark: Benchmark;
  pool: Pool;
  seed: number;
  /** Cells to draw. */
  count: number;
  round: number;
  origin?: string;
}

/**
 * Random cells that the benchmark knows and the pool does not, without repetition: the initial sample of a search (REFERENCE §7), and, drawn
 * again and again, the random-search baseline. Completes early when nothing is left to draw.
 */
export const seedCells = defineOperator(
  {
    name: 'seedCells',
    kind: 'source',
    summary: 'Random cells of the benchmark that were not queried yet',
    source: 'REFERENCE §7',
    params: z.strictObject({
      count: z.int().min(1).max(10_000_000).default(128).describe('cells to draw').meta({ unit: 'cells' }),
      origin: z.string().min(1).default('seed').describe('origin written into the query rows'),
    }),
    needs: ['benchmark', 'pool', 'seed', 'round'],
    input: {},
    output: proposalColumns,
    stability: 'stable',
    example: 'seedCells: { count: 128 }',
  },
  ({ benchmark, pool, seed, count, round, origin = 'seed' }: SeedCellsOptions): Observable<Proposal> =>
    new Observable((subscriber) => {
      const random = stream(seed, 'cells', origin, round);
      const drawn = new Set<number>();
      const list = benchmark.list?.();
      const left = (list?.length ?? benchmark.cells) - pool.size;
      while (drawn.size < Math.min(count, left) && !subscriber.closed) {
        const cell = list ? list[random.int(list.length)]! : benchmark.space.sample(random);
        if (drawn.has(cell) || pool.has(cell) || !benchmark.has(cell)) continue;
        drawn.add(cell);
        subscriber.next({ cell, origin, round });
      }
      subscriber.complete();
    }),
);
