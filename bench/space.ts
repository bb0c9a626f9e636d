import { stream } from '../src/core/random/random.js';
import { distanceShares } from '../src/core/space/distances.js';
import { enumerate } from '../src/core/space/nasbench101/enumerate.js';
import { nasbench101 } from '../src/core/space/nasbench101.js';

export interface SpaceTiming {
  work: string;
  /** Least and median milliseconds of one iteration. */
  min: number;
  median: number;
  /** What one iteration does, and how many of it the fastest one makes a second. */
  unit: string;
  perSecond: number;
}

interface Work {
  work: string;
  unit: string;
  /** Units of one iteration. */
  count: number;
  iterate(): void;
}

/** Anchors all over the space: neighbours in id order would flatter caches and branch predictors. */
const anchors = (count: number): Uint32Array => {
  const random = stream(1, 'bench', 'space');
  return Uint32Array.from({ length: count }, () => nasbench101.sample(random));
};

export const works: readonly (() => Work)[] = [
  () => ({ work: 'enumeration of nasbench101', unit: 'spaces', count: 1, iterate: () => void enumerate() }),
  () => {
    const cells = anchors(20_000);
    const random = stream(1, 'bench', 'positives');
    const tokens = new Int32Array(512 * nasbench101.sequenceLength);
    return {
      work: 'positives with codec',
      unit: 'positives',
      count: cells.length,
      iterate() {
        for (let i = 0; i < cells.length; i++) {
          nasbench101.encode(
            nasbench101.mutate(cells[i]!, random),
            tokens,
            (i & 511) * nasbench101.sequenceLength,
          );
        }
      },
    };
  },
  () => {
    const cells = anchors(1000);
    return {
      work: 'module hashes',
      unit: 'hashes',
      count: cells.length,
      iterate() {
        for (const cell of cells) nasbench101.hash(cell);
      },
    };
  },
  () => {
    const random = stream(1, 'bench', 'distances');
    const count = 2000;
    return {
      work: 'edit distances of random pairs, limit 6',
      unit: 'pairs',
      count,
      iterate: () => void distanceShares(nasbench101, count, random),
    };
  },
];

/** Time each work on one thread, after a fifth of the iterations as warm-up. */
export function measureSpace({ only = [] as string[], iterations = 50 } = {}): SpaceTiming[] {
  nasbench101.cells();
  return works
    .map((make) => make())
    .filter(({ work }) => only.length === 0 || only.some((name) => work.includes(name)))
    .map(({ work, unit, count, iterate }) => {
      for (let i = 0; i < iterations / 5; i++) iterate();
      const times = Array.from({ length: iterations }, () => {
        const started = performance.now();
        iterate();
        return performance.now() - started;
      }).sort((a, b) => a - b);
      const min = times[0]!;
      return { work, min, median: times[times.length >> 1]!, unit, perSecond: (count / min) * 1000 };
    });
}
