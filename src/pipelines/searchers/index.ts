import { evolutionSearcher } from './evolution.js';
import { localSearcher } from './local.js';
import { naoSearcher } from './nao.js';
import { randomSearcher } from './random.js';
import type { SearcherSpec } from './searcher.js';

export * from './searcher.js';

/** All searchers, by name. */
export const searchers: readonly SearcherSpec[] = [
  naoSearcher,
  randomSearcher,
  evolutionSearcher,
  localSearcher,
];
