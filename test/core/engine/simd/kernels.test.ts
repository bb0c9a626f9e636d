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
    kernels[name]!(x.byteOffset, x.byteOffset, x.length / LANES);
    const worst = Math.max(...expected.map((y, i) => Math.abs(x[i]! - y) / scale(y)));
    expect(worst).toBeLessThan(5e-7);
  });

  test('take anything: infinities, NaN, the smallest and largest floats', () => {
    const odd = [Number.NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 1e-45, -0, 0];
    const results = (name: string) => {
      const x = bench.floats(odd);
      kernels[name]!(x.byteOffset, x.byteOffset, 1);
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
    expect(results('logRows').slice(0, 2)).toEqual([Number.NaN, Number.NaN]);
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

  test('storeRows turns lanes into rows', () => {
    const x = bench.floats(bench.normal(width * LANES));
    const out = bench.floats(width * LANES);
    kernels.storeRows!(out.byteOffset, x.byteOffset, width);
    expect([...out]).toEqual(
      range(width * LANES).map((i) => x[(i % width) * LANES + Math.floor(i / width)]!),
    );
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
  [20, 8],
])('products with weights [%i][%i]', (rows, cols) => {
  const padded = Math.ceil(rows / 4) * 4;

  test('product, addProduct, productRows', () => {
    const weights = bench.floats(bench.normal(rows * cols));
    const bias = bench.floats(bench.normal(rows));
    const packed = bench.floats(kernels.packedBytes!(rows, cols) / 4);
    kernels.pack!(packed.byteOffset, weights.byteOffset, rows, cols, bias.byteOffset);
    const x = bench.floats(bench.normal(cols * LANES));
    const out = bench.floats(padded * LANES);
    const dot = (r: number, at: (c: number) => number) => sum(cols, (c) => weights[r * cols + c]! * at(c));
    /** The padded rows are left as they were by addProduct, and 0 by the others. */
    const expected = (start: (r: number, lane: number) => number) =>
      matrix(padded, (r, lane) => start(r, lane) + (r < rows ? dot(r, (c) => x[c * LANES + lane]!) : 0));
    const biasAt = (r: number) => (r < rows ? bias[r]! : 0);
    kernels.product!(out.byteOffset, packed.byteOffset, x.byteOffset, padded, cols);
    expect(difference(out, expected(biasAt))).toBeLessThan(SUMS);

    const before = bench.normal(padded * LANES);
    out.set(before);
    kernels.addProduct!(out.byteOffset, packed.byteOffset, x.byteOffset, padded, cols);
    expect(
      difference(
        out,
        expected((r, lane) => before[r * LANES + lane]!),
      ),
    ).toBeLessThan(SUMS);

    // The same numbers read as 8 rows of cols.
    kernels.productRows!(out.byteOffset, packed.byteOffset, x.byteOffset, LANES, padded, cols);
    const byRow = range(LANES * padded).map((at) => {
      const [i, r] = [Math.floor(at / padded), at % padded];
      return biasAt(r) + (r < rows ? dot(r, (c) => x[i * cols + c]!) : 0);
    });
    expect(difference(out, byRow)).toBeLessThan(SUMS);
  });

  test('product with the transpose', () => {
    const weights = bench.floats(bench.normal(rows * cols));
    const packed = bench.floats(kernels.packedBytes!(cols, rows) / 4);
    kernels.packTransposed!(packed.byteOffset, weights.byteOffset, rows, cols);
    const x = bench.floats(bench.normal(rows * LANES));
    const out = bench.floats(cols * LANES);
    kernels.product!(out.byteOffset, packed.byteOffset, x.byteOffset, cols, rows);
    const expected = matrix(cols, (c, lane) =>
      sum(rows, (r) => weights[r * cols + c]! * x[r * LANES + lane]!),
    );
    expect(difference(out, expected)).toBeLessThan(SUMS);
  });

  test('addOuter and addSums: the gradients of weights and bias', () => {
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

test.each([1, 2, 5])('laneProduct of [%i][3] and [3][8] in each lane', (rows) => {
  const [depth, cols, padded] = [3, 8, 2 * Math.ceil(rows / 2)];
  // The first factor lies column by column, with a gap.
  const [aRow, aStep, bStep, outRow] = [1, padded + 1, cols + 2, cols + 1];
  const a = bench.floats(bench.normal(depth * aStep * LANES));
  const b = bench.floats(bench.normal(depth * bStep * LANES));
  const out = bench.floats(padded * outRow * LANES);
  const bytes = 4 * LANES;
  const run = (add: number) =>
    kernels.laneProduct!(
      ...[
        out.byteOffset,
        outRow * bytes,
        a.byteOffset,
        aRow * bytes,
        aStep * bytes,
        b.byteOffset,
        bStep * bytes,
      ],
      ...[rows, cols, depth, add],
    );
  const expected = (i: number) =>
    matrix(cols, (j, lane) =>
      sum(depth, (k) => a[(k * aStep + i * aRow) * LANES + lane]! * b[(k * bStep + j) * LANES + lane]!),
    );
  for (const times of [1, 2]) {
    run(times - 1);
    for (const i of range(rows)) {
      const found = out.subarray(i * outRow * LANES, (i * outRow + cols) * LANES);
      expect(
        difference(
          found,
          expected(i).map((x) => x * times),
        ),
      ).toBeLessThan(SUMS);
    }
  }
});

test.each(['columns side by side', 'columns far apart'])('laneRow, %s', (how) => {
  const [depth, cols] = [3, 8];
  const [bStep, bColumn] = how === 'columns side by side' ? [cols + 1, 1] : [1, depth + 2];
  const x = bench.floats(bench.normal(depth * LANES));
  const b = bench.floats(bench.normal((depth * bStep + cols * bColumn) * LANES));
  const out = bench.floats(cols * LANES);
  const bytes = 4 * LANES;
  kernels.laneRow!(
    ...[out, x, b].map((array) => array.byteOffset),
    ...[bStep * bytes, bColumn * bytes, cols, depth],
  );
  const expected = matrix(cols, (j, lane) =>
    sum(depth, (k) => x[k * LANES + lane]! * b[(k * bStep + j * bColumn) * LANES + lane]!),
  );
  expect(difference(out, expected)).toBeLessThan(SUMS);
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

describe('softmax over 6 rows', () => {
  const rows = 6;
  const shares = (x: ArrayLike<number>) => {
    const total = (lane: number) => sum(rows, (s) => Math.exp(x[s * LANES + lane]!));
    return matrix(rows, (s, lane) => Math.exp(x[s * LANES + lane]!) / total(lane));
  };

  test('forward', () => {
    const start = bench.normal(rows * LANES).map((x) => 10 * x);
    const x = bench.floats(start);
    kernels.softmax!(x.byteOffset, rows);
    expect(difference(x, shares(start))).toBeLessThan(SUMS);
  });

  test('backward agrees with differences', () => {
    const start = bench.normal(rows * LANES);
    const d = bench.normal(rows * LANES);
    const y = bench.floats(start);
    const gradient = bench.floats(d);
    kernels.softmax!(y.byteOffset, rows);
    kernels.softmaxBackward!(gradient.byteOffset, y.byteOffset, rows);
    expect(difference(gradient, differences(shares, start, d))).toBeLessThan(1e-5);
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

  test.each([0, 3, 6])('crossEntropy: NaN in logit %i spoils the loss of its lane alone', (spoilt) => {
    const logits = bench.floats(bench.normal(8 * LANES));
    logits[spoilt * LANES + 2] = Number.NaN;
    const target = bench.ints(new Array(LANES).fill(1));
    const loss = bench.floats(LANES);
    const mask = bench.ints(new Array(LANES).fill(-1));
    kernels.crossEntropy!(logits.byteOffset, target.byteOffset, mask.byteOffset, loss.byteOffset, 1);
    expect([...loss].map(Number.isNaN)).toEqual(range(LANES).map((lane) => lane === 2));
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

describe('a step of the LSTM, 4 units', () => {
  const dim = 4;
  const rows = dim * LANES;
  beforeEach(() => kernels.configure(5, 6, dim, 8));

  /** [cells; hidden] of activated gates [4·dim] and the previous cells. */
  const cell = (gates: ArrayLike<number>, previous: ArrayLike<number>) => {
    const [i, f, g, o] = [0, 1, 2, 3].map((gate) => (at: number) => gates[gate * rows + at]!) as ((
      at: number,
    ) => number)[];
    const cells = range(rows).map((at) => f!(at) * previous[at]! + i!(at) * g!(at));
    return [...cells, ...cells.map((c, at) => o!(at) * Math.tanh(c))];
  };
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const activate = (gates: ArrayLike<number>) =>
    Array.from(gates, (x, at) => (Math.floor(at / rows) === 2 ? Math.tanh(x) : sigmoid(x)));

  test('lstmCell', () => {
    const gates = bench.floats(activate(bench.normal(4 * rows)));
    const previous = bench.floats(bench.normal(rows));
    const [cells, tanhCells, hidden] = [0, 1, 2].map(() => bench.floats(rows)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    kernels.lstmCell!(...[cells, tanhCells, hidden, gates, previous].map((array) => array.byteOffset));
    expect(difference([...cells, ...hidden], cell(gates, previous))).toBeLessThan(SUMS);
    expect(difference(tanhCells, Array.from(cells, Math.tanh))).toBeLessThan(SUMS);
  });

  test('lstmCellBackward agrees with differences', () => {
    const before = bench.normal(4 * rows);
    const previous = bench.floats(bench.normal(rows));
    const gates = bench.floats(activate(before));
    const cells = cell(gates, previous).slice(0, rows);
    const [dh, dc] = [bench.normal(rows), bench.normal(rows)];
    const [dhIn, dcIn, dGates] = [bench.floats(dh), bench.floats(dc), bench.floats(4 * rows)];
    const tanhCells = bench.floats(cells.map(Math.tanh));
    kernels.lstmCellBackward!(
      ...[dGates, dhIn, dcIn, gates, tanhCells, previous].map((array) => array.byteOffset),
    );
    const d = [...dc, ...dh];
    const ofGates = differences((x) => cell(activate(x), previous), before, d);
    const ofPrevious = differences((x) => cell(activate(before), x), previous, d);
    expect(difference(dGates, ofGates)).toBeLessThan(1e-5);
    expect(difference(dcIn, ofPrevious)).toBeLessThan(1e-5);
  });
});

describe('numberStates', () => {
  const [vocabulary, length] = [5, 6];
  beforeEach(() => kernels.configure(vocabulary, length, 4, 8));
  const group = 128;

  /** After one token of the cells: their states, and each state's parent and token. */
  function number(before: number[], tokens: number[]) {
    const states = Math.max(...before) + 1;
    const [after, parents, inputs] = [0, 1, 2].map(() => bench.ints(new Int32Array(group).fill(-7))) as [
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    const sequences = bench.ints(tokens.flatMap((token) => [token, 9, 9, 9, 9, 9]));
    const count = kernels.numberStates!(
      ...[after, bench.ints(before), parents, inputs, sequences].map((array) => array.byteOffset),
      ...[tokens.length, states, bench.ints(new Int32Array(states * vocabulary)).byteOffset],
    );
    return { count, after, parents, inputs };
  }

  test('cells share a state when they shared one before and have the same token', () => {
    const { count, after, parents, inputs } = number([0, 0, 1, 1, 2, 0], [3, 4, 3, 3, 3, 3]);
    expect(count).toBe(4);
    expect([...after.subarray(0, 6)]).toEqual([0, 1, 2, 2, 3, 0]);
    expect([...parents.subarray(0, 4)]).toEqual([0, 0, 1, 2]);
    expect([...inputs.subarray(0, 4)]).toEqual([3, 4, 3, 3]);
  });

  test('what only fills the lanes is state 0 and token 0; nothing is written past it', () => {
    const { after, parents, inputs } = number([0, 0, 0], [1, 2, 1]);
    for (const array of [after, parents, inputs]) {
      expect([...array.subarray(3, 9)]).toEqual([0, 0, 0, 0, 0, -7]);
    }
  });
});

describe('update', () => {
  test('gradientNorm and descend over all parameters', () => {
    kernels.configure(5, 6, 4, 8);
    const count = kernels.sizeOfParameters() / 4;
    const gradient = bench.floats(bench.normal(count));
    const start = bench.normal(count);
    const parameters = bench.floats(start);
    expect(kernels.gradientNorm(gradient.byteOffset)).toBeCloseTo(Math.hypot(...gradient), 10);
    kernels.descend(parameters.byteOffset, gradient.byteOffset, 0.25);
    expect([...parameters]).toEqual(
      Array.from(start, (w, i) => Math.fround(w - Math.fround(0.25 * gradient[i]!))),
    );
  });

  test('addShards adds losses and sums, shard after shard', () => {
    kernels.configure(5, 6, 4, 8);
    const shards = 3;
    const each = kernels.sizeOfSums() / 4;
    const sums = bench.floats(bench.normal(shards * each));
    const losses = new Float64Array(bench.memory.buffer, sums.byteOffset, (shards * each) / 2);
    for (let shard = 0; shard < shards; shard++) losses.set([0.1 * (shard + 1), shard], (shard * each) / 2);
    const expected = range(each - 4).map((i) =>
      range(shards).reduce((total, shard) => Math.fround(total + sums[shard * each + 4 + i]!), -0),
    );
    kernels.addShards(sums.byteOffset, shards);
    expect([...losses.subarray(0, 2)]).toEqual([0.1 + 0.2 + 0.30000000000000004, 3]);
    expect([...sums.subarray(4, each)]).toEqual(expected);
  });
});
