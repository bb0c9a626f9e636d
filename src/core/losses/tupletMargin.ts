import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from '../kernels/exp.js';
import { atMostOneOrOneSided } from './idle.js';
import { defineLoss } from './loss.js';

/** Above this similarity the angle is taken from the chord, which keeps its digits there. */
const nearlyEqual = 1 - 1e-4;

/**
 * mean over T of log(1 + Σ over the negative pairs j of T that start at a of exp(scale·(s_j − cos(acos s(a,p) − margin)))), with repetition.
 * Where anchor and positive are equal their angle has no direction: such a pair counts in the value and has no gradient (the
 * reference's is NaN).
 */
export const tupletMargin = defineLoss({
  name: 'TupletMargin',
  summary: 'A soft maximum over all negatives of an anchor, against its positive turned by a margin',
  formula: 'mean_T log(1 + Σ over j ∈ T, a_j = a, of e^(scale·(s(a,n_j) − cos(acos s(a,p) − margin))))',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, TupletMarginLoss; Yu, Tao, ICCV 2019',
  reducer: 'Mean',
  params: z.strictObject({
    margin: z
      .number()
      .min(0)
      .max(90)
      .default(5.73)
      .describe('angle by which the positive is turned')
      .meta({ unit: 'degrees' }),
    scale: z
      .number()
      .positive()
      .max(300)
      .default(64)
      .describe('sharpness of the soft maximum')
      .meta({ unit: 'factor' }),
  }),
  experiment: {
    miner: { name: 'Angular', params: { angle: 20 } },
    weight: 1,
    batch: 64,
    learningRate: 0.2,
  },
  create({ margin, scale }) {
    const turn = (margin * Math.PI) / 180;
    const euclidean = openDistance('Euclidean');
    return {
      distance: openDistance('Cosine'),
      terms: ['loss'],
      idle: atMostOneOrOneSided,
      row(context, a) {
        const { batch, selection, matrix, coefficients, low, high, positive, negative, times } = context;
        const { rows } = batch;
        const { pairStart, positive: other } = batch.classes;
        const offset = a * rows;
        const chord = euclidean.matrix(batch);
        selection.positiveCounts(a, positive);
        const negatives = selection.negativesOf(a, negative, times);
        let total = 0;
        for (let i = 0; i < negatives; i++) {
          const at = offset + negative[i];
          const e = times[i] * exp(scale * matrix[at]);
          coefficients[at] = e;
          total += e;
        }
        let pull = 0;
        for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
          const count = positive[k];
          if (count === 0) continue;
          const at = offset + other[k];
          const s = matrix[at];
          const angle = s > nearlyEqual ? 2 * Math.asin(chord[at] / 2) : Math.acos(Math.max(-1, s));
          const perNegative = exp(-scale * Math.cos(angle - turn));
          const inner = perNegative * total;
          const loss = Math.log1p(inner);
          context.tuples[0][a] += count;
          if (!(loss > low && loss < high)) continue;
          context.sum[0][a] += count * loss;
          context.counted[0][a] += count;
          const weight = count / (1 + inner);
          pull += weight * perNegative;
          const sine = Math.sin(angle);
          coefficients[at] = sine === 0 ? 0 : (-scale * weight * inner * Math.sin(angle - turn)) / sine;
        }
        for (let i = 0; i < negatives; i++) coefficients[offset + negative[i]] *= scale * pull;
      },
    };
  },
});
