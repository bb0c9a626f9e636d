import { defer, from, switchMap } from 'rxjs';
import { z } from 'zod';
import { breathe } from '../../core/breathe.js';
import { stream } from '../../core/random/random.js';
import { expectedImprovement, type Features, GaussianProcess } from '../../core/search/gaussianProcess.js';
import type { Proposal } from '../../core/search/pool.js';
import type { CellCode } from '../../core/space/space.js';
import { type Draw, draw, seedCells } from '../../operators/seedCells.js';
import { initial, type Searcher, type SearcherResources } from './searcher.js';

/** What every searcher that is guided by a surrogate takes. */
export const surrogateParams = {
  initial: initial(10),
  perRound: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe('new cells a round, all chosen by one fit')
    .meta({ unit: 'cells' }),
  top: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe('best cells of the pool whose neighbours are candidates')
    .meta({ unit: 'cells' }),
  explore: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(2000)
    .describe('random cells among the candidates')
    .meta({ unit: 'cells' }),
  draw: draw.unwrap().default('graphs').describe(draw.description!),
};

export interface SurrogateOptions extends SearcherResources {
  name: string;
  initial: number;
  perRound: number;
  top: number;
  explore: number;
  draw: Draw;
  /** What the surrogate knows of cells. */
  features(cells: readonly CellCode[]): Promise<Features>;
}

/** The newest queries that are fitted: a fit is cubic in their number. The best ones are always among them. */
const mostRows = 600;
/** Candidates whose deviation is computed: those of the highest means. */
const shortlist = 400;

/**
 * Evolution guided by a surrogate: candidates are the neighbours of the best cells and random ones; those of the highest
 * expected improvement under a Gaussian process on their features are queried. The process is fitted anew each round, to −log of the
 * validation error, so that a gain counts the more the nearer it is to the top.
 */
export function surrogateSearch(options: SurrogateOptions): Searcher {
  const { name, initial, draw, ...resources } = options;
  return {
    name,
    propose: (round) =>
      round === 0
        ? seedCells({ ...resources, draw, round, count: initial })
        : defer(() => propose(options, round)).pipe(switchMap((proposals) => from(proposals))),
  };
}

async function propose(options: SurrogateOptions, round: number): Promise<Proposal[]> {
  const { name, benchmark, pool, seed, perRound, top, explore, draw, features } = options;
  const { space } = benchmark;
  const random = stream(seed, name, round);

  const candidates = new Set<CellCode>();
  const offer = (cell: CellCode) => {
    if (!pool.has(cell) && benchmark.has(cell)) candidates.add(cell);
  };
  for (const { cell } of pool.top(top)) space.neighbours(cell).forEach(offer);
  const list = draw === 'cells' ? benchmark.list?.() : undefined;
  for (let k = 0; k < explore; k++) {
    offer(
      list
        ? list[random.int(list.length)]!
        : draw === 'graphs'
          ? space.sampleGraph(random)
          : space.sample(random),
    );
  }
  const cells = [...candidates];

  const rows =
    pool.size <= mostRows
      ? pool.rows
      : [...new Set([...pool.top(mostRows / 2), ...pool.rows.slice(-mostRows / 2)])];
  const targets = standardised(rows.map(({ validation }) => -Math.log(1 - Math.min(validation, 0.9999))));
  const process = new GaussianProcess(await features(rows.map(({ cell }) => cell)), targets);
  await breathe();
  const known = await features(cells);
  const means = process.means(known);
  const best = targets.reduce((a, b) => Math.max(a, b));
  const ranked = [...cells.keys()]
    .sort((i, j) => means[j]! - means[i]!)
    .slice(0, Math.max(shortlist, perRound))
    .map((index) => ({ index, gain: expectedImprovement(process.predict(known, index), best) }))
    .sort((a, b) => b.gain - a.gain);
  return ranked.slice(0, perRound).map(({ index }) => ({ cell: cells[index]!, origin: name, round }));
}

function standardised(values: readonly number[]): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Float64Array.from(values, (value) => (value - mean) / (Math.sqrt(variance) || 1));
}
