export { type MeasureOptions, type MeasureProgress, measure } from './measure.js';
export { type PretrainOptions, pretrain } from './pretrain.js';
export { type RoundRow, type SearchEvent, type SearchOptions, search } from './search.js';
export { type NaoOptions, nao } from './searchers/nao.js';
export { type RandomSearchOptions, randomSearch } from './searchers/random.js';
export type { Searcher } from './searchers/searcher.js';
