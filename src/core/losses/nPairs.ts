import { z } from 'zod';
import { openDistance } from '../distances/index.js';
import { exp } from '../kernels/exp.js';
import { defineLoss } from './loss.js';

/**
 * Per label, in ascending order, the first mined tuple's anchor and positive; then the cross-entropy of A·Pᵀ with the diagonal, mean over
 * the labels that have one.
 */
export const nPairs = defineLoss({
  name: 'NPairs',
  summary: 'One pair a class; each anchor has to find its positive among all of them',
  formula:
    'mean over labels k of −log softmax_l(a_k·p_l) at l = k; (a_k, p_k) the first mined tuple of label k',
  source: 'REFERENCE §5; pytorch-metric-learning 0.9.88, NPairsLoss; Sohn 2016',
  reducer: 'Mean',
  params: z.strictObject({}),
  experiment: {
    miner: { name: 'Angular', params: { angle: 20 } },
    weight: 1,
    batch: 512,
    learningRate: 1,
  },
  create() {
    return {
      distance: openDistance('Cosine'),
      terms: ['loss'],
      idle: (selection) => selection.positives === 0,
      prepare({ batch: { classes }, selection, own }) {
        const anchor = own('anchor', classes.count);
        const positive = own('positive', classes.count);
        for (let c = 0; c < classes.count; c++) {
          anchor[c] = -1;
          positive[c] = -1;
          for (let m = classes.start[c]; m < classes.start[c + 1] && positive[c] < 0; m++) {
            anchor[c] = classes.member[m];
            positive[c] = selection.firstPositive(classes.member[m]);
          }
        }
      },
      row({ batch: { rows, classes }, matrix, coefficients, sum, tuples, counted, low, high, own }, a) {
        const c = classes.classOf[a];
        const positive = own('positive', classes.count);
        if (own('anchor', classes.count)[c] !== a || positive[c] < 0) return;
        const offset = a * rows;
        const similarity = matrix[offset + positive[c]];
        let others = 0;
        for (let l = 0; l < classes.count; l++) {
          if (l === c || positive[l] < 0) continue;
          const e = exp(matrix[offset + positive[l]] - similarity);
          coefficients[offset + positive[l]] = e;
          others += e;
        }
        const loss = Math.log1p(others);
        tuples[0][a] = 1;
        const counts = loss > low && loss < high;
        if (counts) {
          sum[0][a] = loss;
          counted[0][a] = 1;
        }
        for (let l = 0; l < classes.count; l++) {
          if (l !== c && positive[l] >= 0)
            coefficients[offset + positive[l]] *= counts ? 1 / (1 + others) : 0;
        }
        coefficients[offset + positive[c]] = counts ? -others / (1 + others) : 0;
      },
      details({ batch: { classes }, own }) {
        const used = Array.from({ length: classes.count }, (_, c) => c).filter(
          (c) => own('positive', classes.count)[c] >= 0,
        );
        return {
          anchor_idx: Int32Array.from(used, (c) => own('anchor', classes.count)[c]),
          positive_idx: Int32Array.from(used, (c) => own('positive', classes.count)[c]),
        };
      },
    };
  },
});
