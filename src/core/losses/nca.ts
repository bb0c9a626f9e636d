import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from '../kernels/exp.js';
import { nothing } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * Per row −w·log of the probability that a neighbour drawn from softmax over all other rows of −scale·D² has the row's label; mean over the
 * rows that have a positive. Mined tuples do not choose pairs here: w is how often the row occurs in them, relative to the row that
 * occurs most; without a miner 1.
 */
export const nca = defineLoss({
  name: 'NCA',
  summary: 'Neighbourhood components: the chance that a randomly drawn near neighbour has the same label',
  formula: 'mean over rows of −w·log(Σ_(same label) e^(−scale·D²) / Σ_(all others) e^(−scale·D²))',
  source: 'pytorch-metric-learning 0.9.88, NCALoss; Goldberger et al. 2004',
  reducer: 'Mean',
  params: z.strictObject({
    scale: z
      .number()
      .positive()
      .max(150)
      .default(1)
      .describe('sharpness of the softmax')
      .meta({ unit: 'factor' }),
  }),
  experiment: { miner: { name: 'None', params: {} }, weight: 1, batch: 512, learningRate: 1 },
  create({ scale }) {
    return {
      distance: openDistance('SquaredEuclidean'),
      terms: ['loss'],
      idle: nothing,
      prepare({ selection, batch: { rows }, own }) {
        const weights = own('weights', rows);
        const occurrences = selection.occurrences();
        let most = 0;
        for (let i = 0; i < rows; i++) most = Math.max(most, occurrences[i]);
        for (let i = 0; i < rows; i++) weights[i] = occurrences[i] / most;
      },
      row({ batch, matrix, coefficients, sum, tuples, counted, low, high, own }, a) {
        const { rows, classes } = batch;
        const { pairStart, positive } = classes;
        const offset = a * rows;
        if (pairStart[a] === pairStart[a + 1]) return;
        let all = 0;
        for (let j = 0; j < rows; j++) {
          if (j === a) continue;
          const e = exp(-scale * matrix[offset + j]);
          coefficients[offset + j] = e;
          all += e;
        }
        let same = 0;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) same += coefficients[offset + positive[k]];
        const weight = own('weights', rows)[a];
        const loss = weight * (Math.log(all) - Math.log(same));
        tuples[0][a] = 1;
        if (!(loss > low && loss < high)) {
          coefficients.fill(0, offset, offset + rows);
          return;
        }
        sum[0][a] = loss;
        counted[0][a] = 1;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          coefficients[offset + positive[k]] *= 1 - all / same;
        }
        for (let j = 0; j < rows; j++) coefficients[offset + j] *= (-scale * weight) / all;
      },
    };
  },
});
