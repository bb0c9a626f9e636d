import { beforeEach, describe, expect, test } from 'vitest';
import { difference, type KernelBench, kernelBench, LANES } from './kernels.js';

/** Sums of a few dozen float32 products against float64. */
const SUMS = 1e-6;

let bench: KernelBench;
let kernels: KernelBench['kernels'];
beforeEach(async () => {
  bench = await kernelBench();
  kernels = bench.kernels;
});

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
/** Σ_i f(i) for i < n */
const sum = (n: number, f: (i: number) => number) => range(n).reduce((total, i) => total + f(i), 0);
/** A matrix [rows][lane] by its formula. */
const matrix = (rows: number, f: (row: number, lane: number) => number) =>
  range(rows * LANES).map((i) => f(Math.floor(i / LANES), i % LANES));

describe('elementary functions', () => {
  const spread = (low: number, high: number) => range(1024).map((i) => low + ((high - low) * i) / 1023);
  // Relative error; tanh and sigmoid near 0 keep theirs, but sigmoid is a difference far below 0.
  test.each<[string, number[], (x: number) => number, (y: number) => number]>([
    ['tanhRows', [...spread(-12, 12), ...spread(-1e-3, 1e-3)], Math.tanh, (y) => Math.abs(y)],
    ['sigmoidRows', spread(-25, 25), (x) => 1 / (1 + Math.exp(-x)), () => 1],
    ['expRows', spread(-87, 88), Math.exp, (y) => y],
    ['logRows', [...spread(1e-3, 3), ...spread(1, 1e6)], Math.log, (y) => Math.max(1e-3, Math.abs(y))],
  ])('%s is right to 5e-7', (name, inputs, exact, scale) => {
    const x = bench.floats(inputs);
    const expected = Array.from(x, exact);
    kernels[name]!(x.byteOffset, x.length / LANES);
    const worst = Math.max(...expected.map((y, i) => Math.abs(x[i]! - y) / scale(y)));
    expect(worst).toBeLessThan(5e-7);
  });

  test('take anything: infinities, NaN, the smallest and largest floats', () => {
    const odd = [Number.NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 1e-45, -0, 0];
    const results = (name: string) => {
      const x = bench.floats(odd);
      kernels[name]!(x.byteOffset, 1);
      return [...x];
    };
    expect(results('tanhRows').map((y) => Math.round(y * 1e5) / 1e5)).toEqual([
      Number.NaN,
      1,
      -1,
      1,
      -1,
      0,
      -0,
      0,
    ]);
    expect(results('sigmoidRows').map((y) => Math.round(y * 1e5) / 1e5)).toEqual([
      Number.NaN,
      1,
      0,
      1,
      0,
      0.5,
      0.5,
      0.5,
    ]);
    const [nan, high, low] = results('expRows');
    expect([nan, high! > 1e38, low! < 1e-37]).toEqual([Number.NaN, true, true]);
  });
});

describe('rows and lanes', () => {
  const width = 12;
  test('gather turns rows of a table into lanes', () => {
    const table = bench.floats(bench.normal(5 * width));
    const index = bench.ints([4, 0, 0, 3, 1, 4, 2, 0]);
    const out = bench.floats(width * LANES);
    kernels.gather!(out.byteOffset, table.byteOffset, width, index.byteOffset);
    expect([...out]).toEqual(matrix(width, (f, lane) => table[index[lane]! * width + f]!));
  });

  test('scatterAdd adds lanes to rows, also where lanes share one', () => {
    const start = bench.normal(5 * width);
    const table = bench.floats(start);
    const index = bench.ints([4, 0, 0, 3, 1, 4, 2, 0]);
    const x = bench.floats(bench.normal(width * LANES));
    kernels.scatterAdd!(table.byteOffset, x.byteOffset, width, index.byteOffset);
    const expected = Array.from(start, (value, i) => {
      const [row, f] = [Math.floor(i / width), i % width];
      return value + sum(LANES, (lane) => (index[lane] === row ? x[f * LANES + lane]! : 0));
    });
    expect(difference(table, expected)).toBeLessThan(SUMS);
  });

  test('storeLanes writes the lanes that hold a cell and no more', () => {
    const x = bench.floats(bench.normal(width * LANES));
    const out = bench.floats(width * LANES);
    kernels.storeLanes!(out.byteOffset, x.byteOffset, width, 3);
    const expected = range(width * LANES).map((i) =>
      i < 3 * width ? x[(i % width) * LANES + Math.floor(i / width)]! : 0,
    );
    expect([...out]).toEqual(expected);
  });
});

describe.each([
  [16, 16],
  [7, 12],
  [1, 4],
  [20, 1],
])('products with weights [%i][%i]', (rows, cols) => {
  const padded = Math.ceil(rows / 4) * 4;

  test.each([false, true])('product, transposed %s', (transposed) => {
    const weights = bench.floats(bench.normal(rows * cols));
    const bias = bench.floats(bench.normal(rows));
    const packed = bench.floats(kernels.packedBytes!(rows, cols) / 4);
    // Transposed: the weights lie column by column.
    const strides = transposed ? [1, rows] : [cols, 1];
    kernels.pack!(
      packed.byteOffset,
      weights.byteOffset,
      rows,
      cols,
      strides[0]!,
      strides[1]!,
      bias.byteOffset,
    );
    const weight = (r: number, c: number) => weights[r * strides[0]! + c * strides[1]!]!;
    const x = bench.floats(bench.normal(cols * LANES));
    const out = bench.floats(padded * LANES);
    const expected = (start: (r: number, lane: number) => number) =>
      matrix(padded, (r, lane) =>
        r < rows ? start(r, lane) + sum(cols, (c) => weight(r, c) * x[c * LANES + lane]!) : start(r, lane),
      );
    kernels.product!(out.byteOffset, packed.byteOffset, x.byteOffset, padded, cols);
    expect(
      difference(
        out,
        expected((r) => (r < rows ? bias[r]! : 0)),
      ),
    ).toBeLessThan(SUMS);

    const before = bench.normal(padded * LANES);
    out.set(before);
    kernels.addProduct!(out.byteOffset, packed.byteOffset, x.byteOffset, padded, cols);
    expect(
      difference(
        out,
        expected((r, lane) => before[r * LANES + lane]!),
      ),
    ).toBeLessThan(SUMS);
  });

  test('addOuter and addSums: the gradients of weights and bias', () => {
    if (cols % 4) return;
    const steps = 3;
    const [dRows, xRows] = [padded + 2, cols + 2];
    const d = bench.floats(bench.normal(steps * dRows * LANES));
    const x = bench.floats(bench.normal(steps * xRows * LANES));
    const gradient = bench.floats(new Float32Array(padded * cols).fill(1));
    const stride = (count: number) => count * LANES * 4;
    kernels.addOuter!(
      gradient.byteOffset,
      d.byteOffset,
      stride(dRows),
      x.byteOffset,
      stride(xRows),
      steps,
      rows,
      cols,
    );
    const over = (f: (step: number, lane: number) => number) =>
      1 + sum(steps, (step) => sum(LANES, (lane) => f(step, lane)));
    const dAt = (step: number, r: number, lane: number) => d[(step * dRows + r) * LANES + lane]!;
    const xAt = (step: number, c: number, lane: number) => x[(step * xRows + c) * LANES + lane]!;
    const expected = range(rows * cols).map((i) =>
      over((step, lane) => dAt(step, Math.floor(i / cols), lane) * xAt(step, i % cols, lane)),
    );
    expect(difference(gradient, expected)).toBeLessThan(SUMS);

    const bias = bench.floats(new Float32Array(padded).fill(1));
    kernels.addSums!(bias.byteOffset, d.byteOffset, stride(dRows), steps, padded);
    expect(
      difference(
        bias,
        range(padded).map((r) => over((step, lane) => dAt(step, r, lane))),
      ),
    ).toBeLessThan(SUMS);
  });
});

describe('normalise', () => {
  const rows = 12;
  /** Lane by lane: x/max(‖x‖, 1e-12). */
  const normalised = (x: ArrayLike<number>) => {
    const norm = (lane: number) => Math.max(1e-12, Math.sqrt(sum(rows, (f) => x[f * LANES + lane]! ** 2)));
    return matrix(rows, (f, lane) => x[f * LANES + lane]! / norm(lane));
  };

  test('gives unit length, and 0 for 0', () => {
    const start = bench.normal(rows * LANES);
    for (let f = 0; f < rows; f++) start[f * LANES + 3] = 0;
    const x = bench.floats(start);
    const inverse = bench.floats(LANES);
    kernels.normalise!(x.byteOffset, inverse.byteOffset, rows);
    expect(difference(x, normalised(start))).toBeLessThan(SUMS);
  });

  test('backward agrees with differences of the formula', () => {
    const start = bench.normal(rows * LANES);
    const d = bench.normal(rows * LANES);
    const x = bench.floats(start);
    const inverse = bench.floats(LANES);
    const gradient = bench.floats(d);
    kernels.normalise!(x.byteOffset, inverse.byteOffset, rows);
    kernels.normaliseBackward!(gradient.byteOffset, x.byteOffset, inverse.byteOffset, rows);
    expect(difference(gradient, differences(normalised, start, d))).toBeLessThan(1e-5);
  });
});

/** d(Σ d·f(x))/dx by central differences in float64. */
function differences(f: (x: number[]) => number[], x: ArrayLike<number>, d: ArrayLike<number>): number[] {
  const step = 1e-5;
  return Array.from(x, (_, i) => {
    const moved = (sign: number) =>
      f(Array.from(x, (value, j) => (i === j ? value + sign * step : value))).reduce(
        (s, y, j) => s + y * d[j]!,
        0,
      );
    return (moved(1) - moved(-1)) / (2 * step);
  });
}

describe('attention over 6 positions of 4 features', () => {
  const [length, dim] = [6, 4];
  const padded = 8;
  // A position's rows, and the cache line that keeps positions apart (assembly/layout.ts).
  const [stride, wide, across] = [dim, 2 * dim, padded].map((rows) => (rows + 2) * LANES) as [
    number,
    number,
    number,
  ];
  beforeEach(() => kernels.configure(5, length, dim, 8));

  test('scores, softmax, mix', () => {
    const keys = bench.floats(padded * stride);
    keys.set(bench.normal(length * stride));
    const q = bench.floats(bench.normal(dim * LANES));
    const weights = bench.floats(padded * LANES);
    const mix = bench.floats(dim * LANES);
    const key = (s: number, f: number, lane: number) => keys[s * stride + f * LANES + lane]!;
    kernels.attentionScores!(weights.byteOffset, q.byteOffset, keys.byteOffset);
    const scores = matrix(length, (s, lane) => sum(dim, (f) => q[f * LANES + lane]! * key(s, f, lane)));
    expect(difference(weights.subarray(0, length * LANES), scores)).toBeLessThan(SUMS);

    kernels.softmax!(weights.byteOffset, length);
    const total = (lane: number) => sum(length, (s) => Math.exp(scores[s * LANES + lane]!));
    const shares = matrix(length, (s, lane) => Math.exp(scores[s * LANES + lane]!) / total(lane));
    expect(difference(weights.subarray(0, length * LANES), shares)).toBeLessThan(SUMS);

    kernels.attentionMix!(mix.byteOffset, weights.byteOffset, keys.byteOffset);
    const mixed = matrix(dim, (f, lane) => sum(length, (s) => shares[s * LANES + lane]! * key(s, f, lane)));
    expect(difference(mix, mixed)).toBeLessThan(SUMS);
  });

  test('softmaxBackward agrees with differences', () => {
    const start = bench.normal(length * LANES);
    const d = bench.normal(length * LANES);
    const y = bench.floats(start);
    const gradient = bench.floats(d);
    kernels.softmax!(y.byteOffset, length);
    kernels.softmaxBackward!(gradient.byteOffset, y.byteOffset, length);
    const softmax = (x: number[]) => {
      const total = (lane: number) => sum(length, (s) => Math.exp(x[s * LANES + lane]!));
      return matrix(length, (s, lane) => Math.exp(x[s * LANES + lane]!) / total(lane));
    };
    expect(difference(gradient, differences(softmax, start, d))).toBeLessThan(1e-5);
  });

  test('attentionKeysBackward sums over the decoder’s positions', () => {
    const [weights, dScores] = [0, 1].map(() => bench.floats(bench.normal(length * across)));
    const dMix = bench.floats(bench.normal(length * wide));
    const q = bench.floats(bench.normal(length * stride));
    const dKeys = bench.floats(padded * stride);
    kernels.attentionKeysBackward!(...[dKeys, weights!, dScores!, dMix, q].map((array) => array.byteOffset));
    const at = (array: Float32Array, step: number, t: number, row: number, lane: number) =>
      array[t * step + row * LANES + lane]!;
    for (const s of range(length)) {
      const expected = matrix(dim, (f, lane) =>
        sum(length, (t) => {
          const mixed = at(weights!, across, t, s, lane) * at(dMix, wide, t, f, lane);
          return mixed + at(dScores!, across, t, s, lane) * at(q, stride, t, f, lane);
        }),
      );
      const found = dKeys.subarray(s * stride, s * stride + dim * LANES);
      expect(difference(found, expected)).toBeLessThan(SUMS);
    }
  });
});

describe('readout', () => {
  const vocabulary = 7;
  beforeEach(() => kernels.configure(vocabulary, 6, 4, 8));

  test('crossEntropy: loss of every lane, gradient of those that hold a cell', () => {
    const start = bench.normal(8 * LANES).map((x) => 10 * x);
    const logits = bench.floats(start);
    const target = bench.ints(bench.tokens(LANES, vocabulary));
    const mask = bench.ints([-1, -1, -1, -1, -1, -1, 0, 0]);
    const loss = bench.floats(new Float32Array(LANES).fill(1));
    kernels.crossEntropy!(logits.byteOffset, target.byteOffset, mask.byteOffset, loss.byteOffset, 0.25);
    const total = (lane: number) => sum(vocabulary, (v) => Math.exp(start[v * LANES + lane]!));
    const losses = range(LANES).map(
      (lane) => 1 + Math.log(total(lane)) - start[target[lane]! * LANES + lane]!,
    );
    expect(difference(loss, losses)).toBeLessThan(SUMS);
    const gradient = matrix(vocabulary, (v, lane) =>
      mask[lane] ? 0.25 * (Math.exp(start[v * LANES + lane]!) / total(lane) - Number(target[lane] === v)) : 0,
    );
    expect(difference(logits.subarray(0, vocabulary * LANES), gradient)).toBeLessThan(SUMS);
  });

  test('argmax: the first of the largest; 0 where nothing compares', () => {
    const x = bench.floats(bench.normal(vocabulary * LANES));
    for (const row of [2, 5]) x[row * LANES + 1] = 9;
    for (let row = 0; row < vocabulary; row++) x[row * LANES + 7] = Number.NaN;
    const index = bench.ints(new Int32Array(LANES));
    kernels.argmax!(index.byteOffset, x.byteOffset, vocabulary);
    const expected = range(LANES).map((lane) => {
      const column = range(vocabulary).map((row) => x[row * LANES + lane]!);
      return Math.max(0, column.indexOf(Math.max(...column)));
    });
    expect([...index]).toEqual(expected);
    expect([index[1], index[7]]).toEqual([2, 0]);
  });
});
