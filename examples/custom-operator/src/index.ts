export { binomialDeviance } from './binomialDeviance.ts';
export { nearFirst } from './nearFirst.ts';
export { smallCells } from './smallCells.ts';
