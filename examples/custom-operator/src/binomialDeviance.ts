import { defineLoss, openDistance, z } from 'rxnas';

/**
 * Mean over the mined pairs of log(1 + e^(−γ(s − λ))) for a positive pair and of log(1 + e^(γ(s − λ))) for a negative one, s its cosine
 * similarity.
 */
export const binomialDeviance = defineLoss({
  name: 'BinomialDeviance',
  summary: 'Each pair on its own, by a logistic function of its similarity',
  formula: 'mean_P log(1 + e^(−γ(s − λ))) + mean_N log(1 + e^(γ(s − λ)))',
  source: 'Yi, Lei, Li, ICPR 2014, arXiv 1407.4979',
  reducer: 'Mean',
  params: z.strictObject({
    gamma: z.number().positive().max(100).default(2).describe('sharpness γ').meta({ unit: 'factor' }),
    threshold: z
      .number()
      .min(-1)
      .max(1)
      .default(0.5)
      .describe('similarity λ between near and far')
      .meta({ unit: 'similarity' }),
  }),
  experiment: { miner: { name: 'None', params: {} }, weight: 1, batch: 512, learningRate: 1 },
  create({ gamma, threshold }) {
    return {
      distance: openDistance('Cosine'),
      terms: ['positive', 'negative'],
      idle: (selection) => selection.size === 0,
      row(context, a) {
        const { batch, matrix, coefficients, selection, positive, negative, times } = context;
        const { pairStart, positive: other } = batch.classes;
        const offset = a * batch.rows;
        /** The loss of `count` equal pairs of the row, and its slope. */
        const pair = (term: number, at: number, count: number, sign: 1 | -1) => {
          const x = sign * gamma * (matrix[at]! - threshold);
          const loss = Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
          context.tuples[term]![a]! += count;
          if (!(loss > context.low && loss < context.high)) return;
          context.counted[term]![a]! += count;
          context.sum[term]![a]! += count * loss;
          coefficients[at]! += (count * sign * gamma) / (1 + Math.exp(-x));
        };
        selection.positiveCounts(a, positive);
        for (let k = pairStart[a]!; k < pairStart[a + 1]!; k++) {
          if (positive[k]! > 0) pair(0, offset + other[k]!, positive[k]!, -1);
        }
        const negatives = selection.negativesOf(a, negative, times);
        for (let i = 0; i < negatives; i++) pair(1, offset + negative[i]!, times[i]!, 1);
      },
    };
  },
});
