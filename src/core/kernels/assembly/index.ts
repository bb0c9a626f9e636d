/**
 * Kernels of miners and losses: float64, two numbers a register. Each fills rows `from` to `to` of what it computes, so that rows may be
 * divided among threads in any way without changing a bit; its last argument is scratch memory of the calling thread (core/kernels/kernels.ts
 * says how much). Addresses are bytes, matrices row-major and dense; rows that are read two numbers at a time may be read one number
 * beyond their end.
 */
export { dotRows, squareRows, euclideanRows, directedRows } from './distances';
export { gradientRows } from './gradient';
export { spanRows } from './spans';
export { angularRows } from './angular';
export { countSpans, countWords } from './counts';
export { hingeRows } from './hinges';
export { softMaximumRows } from './softMaxima';
export { tripletHingeRows } from './tripletHinges';
export { expAll, setFractions } from './exp';

/** First address that the host may use. */
export function heapBase(): usize {
  return __heap_base;
}
