import { stream } from '../random/random.js';
import type { Space } from './space.js';

/**
 * Random cells of a space, or of a part of it, without repetition, in the order given; all of them where as many are wanted. With the same
 * seed, a smaller sample is a part of a larger one.
 */
export function sampleCells(
  space: Space,
  count: number,
  seed: number,
  cells: Uint32Array = space.cells(),
): Uint32Array {
  if (count >= cells.length) return cells;
  const chosen = stream(seed, 'embed').shuffle(Uint32Array.from(cells.keys())).subarray(0, count).sort();
  return chosen.map((index) => cells[index]!);
}
