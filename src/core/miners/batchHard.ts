import { z } from 'zod';
import { distanceParam, openDistance } from '../distances/index.js';
import { wordsPerRow } from './bits.js';
import { defineMiner, type Miner } from './miner.js';
import { BitTriplets } from './selection.js';

/** One triplet an anchor: its farthest positive and its nearest negative; of equal ones the first. */
export const batchHard = defineMiner({
  name: 'BatchHard',
  summary: 'For every anchor its farthest positive and its nearest negative',
  formula: '(a, argmax over p of d(a,p), argmin over n of d(a,n))',
  source: 'pytorch-metric-learning 0.9.88, BatchHardMiner; arXiv 1703.07737',
  params: z.strictObject({ distance: distanceParam('Euclidean') }),
  create({ distance: name }): Miner {
    const distance = openDistance(name);
    return {
      mine(batch) {
        const { rows, classes } = batch;
        const { classOf, pairStart, positive } = classes;
        const width = wordsPerRow(rows);
        const words = batch.scratch(this).int32('words', classes.pairs * width);
        words.fill(0);
        if (!batch.finite) return new BitTriplets(classes, words, 0);
        const matrix = distance.matrix(batch);
        let size = 0;
        for (let a = 0; a < rows; a++) {
          let farthest = -1;
          let most = Number.NEGATIVE_INFINITY;
          for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
            const value = distance.sign * matrix[a * rows + positive[k]];
            if (value > most) {
              most = value;
              farthest = k;
            }
          }
          let nearest = -1;
          let least = Number.POSITIVE_INFINITY;
          for (let n = 0; n < rows; n++) {
            const value = distance.sign * matrix[a * rows + n];
            if (classOf[n] !== classOf[a] && value < least) {
              least = value;
              nearest = n;
            }
          }
          if (farthest < 0 || nearest < 0) continue;
          words[farthest * width + (nearest >> 5)] |= 1 << (nearest & 31);
          size++;
        }
        return new BitTriplets(classes, words, size);
      },
    };
  },
});
