import { z } from 'zod';
import type { Benchmark } from '../../core/benchmark/benchmark.js';
import type { Pool } from '../../core/search/pool.js';
import { type Draw, draw, seedCells } from '../../operators/seedCells.js';
import { defineSearcher, type Searcher } from './searcher.js';

export interface RandomSearchOptions {
  benchmark: Benchmark;
  pool: Pool;
  seed: number;
  /** Cells a round. */
  perRound: number;
  draw?: Draw;
}

/** Random search without repetition: the weak baseline of the paper (Table 1, last row). */
export function randomSearch({ perRound: count, ...options }: RandomSearchOptions): Searcher {
  return {
    name: 'random',
    propose: (round) => seedCells({ ...options, count, round, origin: 'random' }),
  };
}

export const randomSearcher = defineSearcher({
  name: 'random',
  summary: 'Random search without repetition: the weak baseline',
  source: 'paper Table 1',
  params: z.strictObject({
    perRound: z.int().min(1).max(1_000_000).default(128).describe('cells a round').meta({ unit: 'cells' }),
    draw,
  }),
  needs: ['benchmark', 'pool', 'seed'],
  baseline: true,
  create: randomSearch,
});
