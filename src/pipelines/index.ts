export { builtIns } from './builtIns.js';
export { type ImportBenchmarkOptions, type ImportEvent, importBenchmark } from './importBenchmark.js';
export { type MeasureOptions, type MeasureProgress, measure } from './measure.js';
export { type Opened, openChoice } from './openChoice.js';
export { type PretrainOptions, pretrain } from './pretrain.js';
export { type RoundRow, type SearchEvent, type SearchOptions, search } from './search.js';
export * from './searchers/index.js';
export { type NaoOptions, nao } from './searchers/nao.js';
export { type RandomSearchOptions, randomSearch } from './searchers/random.js';
