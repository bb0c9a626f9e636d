import { bayesianSearcher } from './bayesian.js';
import { evolutionSearcher } from './evolution.js';
import { guidedSearcher } from './guided.js';
import { localSearcher } from './local.js';
import { naoSearcher } from './nao.js';
import { randomSearcher } from './random.js';
import type { SearcherSpec } from './searcher.js';
import { semiNasSearcher } from './semiNas.js';

export * from './searcher.js';

/** All searchers, by name. */
export const searchers: readonly SearcherSpec[] = [
  naoSearcher,
  semiNasSearcher,
  randomSearcher,
  evolutionSearcher,
  localSearcher,
  guidedSearcher,
  bayesianSearcher,
];
