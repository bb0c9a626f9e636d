import { stream } from '../src/core/random/random.js';
import { distanceShares } from '../src/core/space/distances.js';
import { enumerate } from '../src/core/space/nasbench101/enumerate.js';
import { nasbench101 } from '../src/core/space/nasbench101.js';
import { sequences } from './controller.js';
import type { Work } from './work.js';

/** Anchors all over the space: neighbours in id order would flatter caches and branch predictors. */
const anchors = (count: number): Uint32Array => {
  const random = stream(1, 'bench', 'space');
  return Uint32Array.from({ length: count }, () => nasbench101.sample(random));
};

function tokensOf(cells: Uint32Array): number[][] {
  const tokens = new Int32Array(cells.length * nasbench101.sequenceLength);
  for (const [row, cell] of cells.entries()) {
    nasbench101.encode(cell, tokens, row * nasbench101.sequenceLength);
  }
  return sequences(tokens);
}

/** What is done with cells alone, on one thread; names end with how many of it an iteration does. */
export const spaceWorks: readonly Work[] = [
  { name: 'enumerate/1', prepare: async () => () => enumerate() },
  {
    name: 'positives/2000',
    peer: () => ({ kind: 'positives', tokens: tokensOf(anchors(2000)) }),
    async prepare() {
      const cells = anchors(2000);
      const random = stream(1, 'bench', 'positives');
      const tokens = new Int32Array(512 * nasbench101.sequenceLength);
      return () => {
        for (let i = 0; i < cells.length; i++) {
          nasbench101.encode(
            nasbench101.mutate(cells[i]!, random),
            tokens,
            (i & 511) * nasbench101.sequenceLength,
          );
        }
      };
    },
  },
  {
    name: 'hashes/1000',
    peer: () => ({ kind: 'hashes', tokens: tokensOf(anchors(1000)) }),
    async prepare() {
      const cells = anchors(1000);
      return () => {
        for (const cell of cells) nasbench101.hash(cell);
      };
    },
  },
  {
    name: 'distances/2000',
    async prepare() {
      const random = stream(1, 'bench', 'distances');
      return () => void distanceShares(nasbench101, 2000, random);
    },
  },
];
