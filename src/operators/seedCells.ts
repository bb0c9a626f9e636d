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
  draw?: Draw;
}

/**
 * How random cells are drawn. `cells`: each alike; `graphs`: as the benchmark's own script and naszilla do, which favours cells
 * that many graphs stand for, and those are better on average.
 */
export const draws = ['cells', 'graphs'] as const;
export type Draw = (typeof draws)[number];

/** The parameter of searchers that start from random cells. */
export const draw = z
  .enum(draws)
  .default('cells')
  .describe('how random cells are drawn: every cell alike, or random graphs, as naszilla has it');

/** A cell that so many random graphs in a row have not been is taken from the list instead. */
const patience = 1000;

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
      draw,
    }),
    needs: ['benchmark', 'pool', 'seed', 'round'],
    gives: 'rows',
    input: {},
    output: proposalColumns,
    stability: 'stable',
    example: 'seedCells: { count: 128 }',
  },
  ({
    benchmark,
    pool,
    seed,
    count,
    round,
    origin = 'seed',
    draw = 'cells',
  }: SeedCellsOptions): Observable<Proposal> =>
    new Observable((subscriber) => {
      const random = stream(seed, 'cells', origin, round);
      const drawn = new Set<number>();
      const list = benchmark.list?.();
      const left = (list?.length ?? benchmark.cells) - pool.size;
      let inVain = 0;
      while (drawn.size < Math.min(count, left) && !subscriber.closed) {
        const cell =
          draw === 'graphs' && inVain < patience
            ? benchmark.space.sampleGraph(random)
            : list
              ? list[random.int(list.length)]!
              : benchmark.space.sample(random);
        inVain++;
        if (drawn.has(cell) || pool.has(cell) || !benchmark.has(cell)) continue;
        inVain = 0;
        drawn.add(cell);
        subscriber.next({ cell, origin, round });
      }
      subscriber.complete();
    }),
);
