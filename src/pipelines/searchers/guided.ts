import { z } from 'zod';
import { type CellCode, tokensOfCells } from '../../core/space/space.js';
import { defineSearcher } from './searcher.js';
import { surrogateParams, surrogateSearch } from './surrogate.js';

/** Cells that are embedded at once. */
const batch = 512;

/** Evolution guided by a Gaussian process on the controller's embeddings, which stay as they are. */
export const guidedSearcher = defineSearcher({
  name: 'guided',
  summary: 'Evolution guided by a Gaussian process on the embeddings of the (pretrained) controller',
  source:
    'arch_emb of REFERENCE §4; expected improvement, Jones et al. 1998; candidates by mutation as in BANANAS, arXiv 1910.11858',
  params: z.strictObject(surrogateParams),
  needs: ['benchmark', 'pool', 'seed', 'controller'],
  create: ({ controller, ...options }) => {
    const { space } = options.benchmark;
    const known = new Map<CellCode, Float32Array>();
    return surrogateSearch({
      ...options,
      name: 'guided',
      async features(cells) {
        const { dim } = controller.config;
        const fresh = cells.filter((cell) => !known.has(cell));
        for (let from = 0; from < fresh.length; from += batch) {
          const part = fresh.slice(from, from + batch);
          const embeddings = await controller.embed(tokensOfCells(space, part));
          part.forEach((cell, i) => {
            known.set(cell, embeddings.slice(i * dim, (i + 1) * dim));
          });
        }
        const values = new Float64Array(cells.length * dim);
        cells.forEach((cell, i) => {
          values.set(known.get(cell)!, i * dim);
        });
        return { width: dim, values };
      },
    });
  },
});
