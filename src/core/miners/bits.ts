/** Bit sets over the rows of a batch: row n is bit n & 31 of word n >> 5. */
export const wordsPerRow = (rows: number) => (rows + 31) >>> 5;

/** Number of bits that are 1. */
export function popcount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Sum of the first `count` numbers. */
export function total(numbers: Int32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += numbers[i];
  return sum;
}
