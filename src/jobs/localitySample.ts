import { relatives } from '../analytics/byDistance.js';
import type { Random } from '../core/random/random.js';
import type { Space } from '../core/space/index.js';

/** Cells among which there are near pairs as well as far ones. */
export interface LocalitySample {
  /** Random cells, in id order. */
  cells: Uint32Array;
  /** The random cells, then a positive of each, then a positive of each positive. */
  all: Uint32Array;
}

export function localitySample(space: Space, count: number, random: Random): LocalitySample {
  const cells = random.shuffle(space.cells().slice()).subarray(0, count).sort();
  const { once, twice } = relatives(space, cells, random);
  return { cells, all: Uint32Array.from([...cells, ...once, ...twice]) };
}

/** Rows of `all` that are related: each random cell with its positive, and with the positive's. */
export function closeRows({ cells, all }: LocalitySample): [number, number][] {
  const n = cells.length;
  return Array.from({ length: n }, (_, i): [number, number][] => [
    [i, n + i],
    [i, 2 * n + i],
  ])
    .flat()
    .filter(([a, b]) => all[a] !== all[b]);
}

const BATCH = 512;

/** What `work` gives for the cells, batch by batch, in one array. */
export async function inBatches<T extends Float32Array | Int32Array>(
  cells: Uint32Array,
  work: (part: Uint32Array) => Promise<T>,
  type: { new (length: number): T },
): Promise<T> {
  const parts: T[] = [];
  for (let at = 0; at < cells.length; at += BATCH) parts.push(await work(cells.subarray(at, at + BATCH)));
  const all = new type(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
