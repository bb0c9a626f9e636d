import { z } from 'zod';
import { defineSearcher } from './searcher.js';
import { surrogateParams, surrogateSearch } from './surrogate.js';

/** The same without a controller: what a learned embedding has to beat. */
export const bayesianSearcher = defineSearcher({
  name: 'bayesian',
  summary:
    'Evolution guided by a Gaussian process on plain properties of the cells: depth, paths, operations',
  source:
    'expected improvement, Jones et al. 1998; candidates by mutation as in BANANAS, arXiv 1910.11858; properties: docs/searchers.md',
  params: z.strictObject(surrogateParams),
  needs: ['benchmark', 'pool', 'seed'],
  create: (options) => {
    const { space } = options.benchmark;
    return surrogateSearch({
      ...options,
      name: 'bayesian',
      async features(cells) {
        const rows = cells.map((cell) => space.properties(cell));
        const width = rows[0]?.length ?? 0;
        return { width, values: Float64Array.from(rows.flat()) };
      },
    });
  },
});
