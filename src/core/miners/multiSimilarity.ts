import { z } from 'zod';
import { wordsPerRow } from './bits.js';
import { defineMiner, type Miner } from './miner.js';
import { PairSelection } from './pairs.js';

/**
 * Pairs that are hard for their anchor: positives less similar than the most similar negative (plus ε), negatives more similar
 * than the least similar positive (minus ε).
 */
export const multiSimilarity = defineMiner({
  name: 'MultiSimilarity',
  summary: "Positive pairs below the anchor's best negative, negative pairs above its worst positive",
  formula: 'positive: s(a,p) − ε < max over n of s(a,n); negative: s(a,n) + ε > min over p of s(a,p)',
  source: 'pytorch-metric-learning 0.9.88, MultiSimilarityMiner; arXiv 1904.06627, section 3.2',
  params: z.strictObject({
    epsilon: z
      .number()
      .min(-2)
      .max(2)
      .default(0.1)
      .describe('slack of both comparisons')
      .meta({ unit: 'similarity' }),
  }),
  create({ epsilon }): Miner {
    return {
      mine(batch) {
        const { rows, classes } = batch;
        const { classOf, pairStart, positive } = classes;
        const width = wordsPerRow(rows);
        const arena = batch.scratch(this);
        const chosen = arena.int32('chosen', classes.pairs);
        const words = arena.int32('words', rows * width);
        const gram = batch.gram();
        chosen.fill(0);
        words.fill(0);
        let positives = 0;
        let negatives = 0;
        for (let a = 0; a < rows && batch.finite; a++) {
          const similarity = a * rows;
          let best = Number.NEGATIVE_INFINITY;
          for (let n = 0; n < rows; n++) {
            if (classOf[n] !== classOf[a]) best = Math.max(best, gram[similarity + n]);
          }
          let worst = Number.POSITIVE_INFINITY;
          for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
            const s = gram[similarity + positive[k]];
            worst = Math.min(worst, s);
            if (s - epsilon < best) {
              chosen[k] = 1;
              positives++;
            }
          }
          for (let n = 0; n < rows; n++) {
            if (classOf[n] !== classOf[a] && gram[similarity + n] + epsilon > worst) {
              words[a * width + (n >> 5)] |= 1 << (n & 31);
              negatives++;
            }
          }
        }
        return new PairSelection(classes, chosen, positives, words, negatives, gram, arena);
      },
    };
  },
});
