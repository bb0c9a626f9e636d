import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from '../kernels/exp.js';
import { oneSided } from './idle.js';
import { defineLoss } from './loss.js';

/**
 * mean over T of log(1 + Σ over all rows j of other labels of exp(4t(a + p)·j − 2(1 + t) a·p)), t = tan²(alpha).
 *
 * exp(4t(a + p)·j) = E_aj E_pj with E = exp(4t·s): the exponentials are n²/2, not one a triplet. Only the mined positive pairs and their
 * counts matter.
 */
export const angular = defineLoss({
  name: 'Angular',
  summary: 'Limits the angle under which any negative sees anchor and positive',
  formula: 'mean_T log(1 + Σ over j of other labels of exp(4t(a + p)·j − 2(1 + t) a·p)), t = tan² α',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, AngularLoss; arXiv 1708.01682',
  reducer: 'Mean',
  params: z.strictObject({
    alpha: z
      .number()
      .positive()
      .max(80)
      .default(45)
      .describe('upper bound α of the angle')
      .meta({ unit: 'degrees' }),
  }),
  experiment: {
    miner: { name: 'Angular', params: { angle: 20 } },
    weight: 0.1,
    batch: 256,
    learningRate: 1,
  },
  create({ alpha }) {
    const t = Math.tan((alpha * Math.PI) / 180) ** 2;
    return {
      distance: openDistance('Cosine'),
      terms: ['loss'],
      idle: oneSided,
      prepare({ batch: { rows, classes }, selection, matrix, positive, own }) {
        const { classOf } = classes;
        const powers = own('powers', rows * rows);
        for (let i = 0; i < rows; i++) {
          selection.positiveCounts(i, positive);
          for (let j = 0; j <= i; j++) {
            const e = classOf[i] === classOf[j] ? 0 : exp(4 * t * matrix[i * rows + j]);
            powers[i * rows + j] = e;
            powers[j * rows + i] = e;
          }
        }
      },
      row({ batch, matrix, coefficients, sum, tuples, counted, low, high, positive, own }, a) {
        const { rows, classes } = batch;
        const powers = own('powers', rows * rows);
        const here = a * rows;
        for (let k = classes.pairStart[a]; k < classes.pairStart[a + 1]; k++) {
          const p = classes.positive[k];
          const times = positive[k];
          // (a, p) and (p, a) have the same loss; a's row takes from both what concerns (a, j), p's row what concerns (p, j).
          const both = times + positive[classes.pairOf(p, a)];
          if (both === 0) continue;
          const there = p * rows;
          let products = 0;
          for (let j = 0; j < rows; j++) products += powers[here + j] * powers[there + j];
          const factor = exp(-2 * (1 + t) * matrix[here + p]);
          const inner = factor * products;
          const loss = Math.log1p(inner);
          tuples[0][a] += times;
          if (!(loss > low && loss < high)) continue;
          sum[0][a] += times * loss;
          counted[0][a] += times;
          const weight = (both * 4 * t * factor) / (1 + inner);
          for (let j = 0; j < rows; j++)
            coefficients[here + j] += weight * powers[here + j] * powers[there + j];
          coefficients[here + p] -= (times * 2 * (1 + t) * inner) / (1 + inner);
        }
      },
    };
  },
});
