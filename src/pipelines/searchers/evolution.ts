import { defer, of } from 'rxjs';
import { z } from 'zod';
import { type Random, stream } from '../../core/random/random.js';
import type { QueryRow } from '../../core/search/pool.js';
import type { CellCode } from '../../core/space/space.js';
import { type Draw, draw, seedCells } from '../../operators/seedCells.js';
import { defineSearcher, initial, type Searcher, type SearcherResources } from './searcher.js';

export interface EvolutionOptions extends SearcherResources {
  /** Cells of the initial random sample. */
  initial: number;
  /** Queries of the newest age that live. */
  population: number;
  /** Of these, how many are drawn (with repetition) for a tournament; its best by validation has a child. */
  sample: number;
  draw?: Draw;
}

/** A parent whose children are all known after so many draws has a child by one edit, or at random. */
const DRAWS = 100;

/**
 * Regularized evolution (arXiv 1802.01548): the best of a random sample of the population has a child by mutation, and the
 * oldest of the population dies. One child a round. Mutation is the paper's (REFERENCE §3): one to three edits. The population is the newest
 * queries, so that nothing but the pool has to be kept.
 */
export function evolution({ initial, population, sample, draw, ...resources }: EvolutionOptions): Searcher {
  const { benchmark, pool, seed } = resources;
  const { space } = benchmark;
  const isNew = (cell: CellCode) => !pool.has(cell) && benchmark.has(cell);

  const child = (parent: CellCode, random: Random): CellCode | undefined => {
    for (let k = 0; k < DRAWS; k++) {
      const cell = space.mutate(parent, random);
      if (isNew(cell)) return cell;
    }
    // The paper's mutation never makes a cell larger: a small one runs out of children.
    const near = space.neighbours(parent).filter(isNew);
    return near.length > 0 ? near[random.int(near.length)] : undefined;
  };

  return {
    name: 'evolution',
    propose: (round) =>
      defer(() => {
        if (round === 0) return seedCells({ ...resources, ...(draw && { draw }), round, count: initial });
        const random = stream(seed, 'evolution', round);
        const alive = pool.rows.slice(-population);
        let parent: QueryRow | undefined;
        for (let k = 0; k < sample; k++) {
          const row = alive[random.int(alive.length)]!;
          if (!parent || row.validation > parent.validation) parent = row;
        }
        const cell = child(parent!.cell, random);
        if (cell !== undefined) return of({ cell, origin: 'evolution', round });
        return seedCells({ ...resources, round, count: 1 });
      }),
  };
}

export const evolutionSearcher = defineSearcher({
  name: 'evolution',
  summary: 'Regularized evolution: the best of a sample has a child, the oldest dies',
  source:
    'arXiv 1802.01548; sizes as in naszilla (150 queries); 100 and 25 for long runs; mutation REFERENCE §3',
  params: z.strictObject({
    initial: initial(10),
    population: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(30)
      .describe('newest queries that live; 100 for long runs')
      .meta({ unit: 'cells' }),
    sample: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10)
      .describe('cells drawn for a tournament; 25 for long runs')
      .meta({ unit: 'cells' }),
    draw,
  }),
  needs: ['benchmark', 'pool', 'seed'],
  baseline: true,
  create: evolution,
});
