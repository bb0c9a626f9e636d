import { defer, of } from 'rxjs';
import { z } from 'zod';
import { stream } from '../../core/random/random.js';
import type { QueryRow } from '../../core/search/pool.js';
import type { CellCode } from '../../core/space/space.js';
import { type Draw, draw, seedCells } from '../../operators/seedCells.js';
import { defineSearcher, initial, type Searcher, type SearcherResources } from './searcher.js';

export interface LocalSearchOptions extends SearcherResources {
  /** Cells of the initial random sample. */
  initial: number;
  draw?: Draw;
}

/**
 * Local search (arXiv 2005.02960): from the best cell of the initial sample, its neighbours (one edit) are queried in random order;
 * the first that is better by validation takes its place. Where none is better, the best queried cell whose neighbours
 * have not been looked at is next. One query a round.
 */
export function localSearch({ initial, draw, ...resources }: LocalSearchOptions): Searcher {
  const { benchmark, pool, seed } = resources;
  const { space } = benchmark;

  /** Cells of the rows walked so far, and of these the ones whose neighbourhood was begun. */
  const known = new Set<CellCode>();
  const begun = new Set<QueryRow>();
  const walked: QueryRow[] = [];
  let current: QueryRow | undefined;
  let neighbours: CellCode[] = [];

  const goTo = (row: QueryRow) => {
    current = row;
    begun.add(row);
    neighbours = space.neighbours(row.cell).filter(benchmark.has, benchmark);
    stream(seed, 'local', row.query).shuffle(neighbours);
  };

  /** The next cell to query, given the rows walked; undefined where everything near them is known. */
  const next = (): CellCode | undefined => {
    for (;;) {
      while (neighbours.length > 0) {
        const cell = neighbours.at(-1)!;
        if (!known.has(cell)) return cell;
        neighbours.pop();
      }
      const best = walked.reduce<QueryRow | undefined>(
        (best, row) => (begun.has(row) || (best && best.validation >= row.validation) ? best : row),
        undefined,
      );
      if (!best) return undefined;
      goTo(best);
    }
  };

  /** Takes in the rows that came since, one after the other: those of a resumed run lead to where it stood. */
  const walk = () => {
    while (walked.length < pool.size) {
      if (walked.length >= initial) next();
      const row = pool.rows[walked.length]!;
      walked.push(row);
      known.add(space.canonical(row.cell));
      if (current && row.validation > current.validation) goTo(row);
    }
  };

  return {
    name: 'local',
    propose: (round) =>
      defer(() => {
        if (round === 0) return seedCells({ ...resources, ...(draw && { draw }), round, count: initial });
        walk();
        const cell = next();
        if (cell !== undefined) return of({ cell, origin: 'local', round });
        return seedCells({ ...resources, round, count: 1 });
      }),
  };
}

export const localSearcher = defineSearcher({
  name: 'local',
  summary: 'Local search: to the first better neighbour, from the best cell whose neighbours are not known',
  source: 'arXiv 2005.02960; naszilla’s local_search that does not stop at a minimum',
  params: z.strictObject({ initial: initial(10), draw }),
  needs: ['benchmark', 'pool', 'seed'],
  baseline: true,
  create: localSearch,
});
