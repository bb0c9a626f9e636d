import { expect, test } from 'vitest';
import { Classes } from '../../../src/core/distances/index.js';
import { exp } from '../../../src/core/kernels/exp.js';
import { type KernelArray, kernels } from '../../../src/core/kernels/kernels.js';
import { stream } from '../../../src/core/random/random.js';

/** Shapes around the kernels' fours and eights, and one that takes several calls a kernel. */
const shapes = [
  [1, 1],
  [3, 4],
  [4, 3],
  [9, 5],
  [36, 16],
  [71, 17],
] as const;

const numbers = (name: string, count: number) => {
  const random = stream(1, 'kernels', name, count);
  return Float64Array.from({ length: count }, () => random.normal());
};

/** Copies in the kernels' memory. */
function put<A extends KernelArray>(values: A): A {
  const type = values.constructor as never;
  const array = kernels().array(type, values.length, Math.ceil(Math.sqrt(values.length))) as A;
  array.set(values);
  return array;
}
const room = (length: number, width = 1) => kernels().array(Float64Array, length, width);
const integers = (length: number) => kernels().array(Int32Array, length);

/** Rows u four by four, and their squared norms. */
function panelsOf(unit: Float64Array, rows: number, dim: number) {
  const panels = room(Math.ceil(rows / 4) * 4 * dim);
  const squares = room(Math.ceil(rows / 4) * 4);
  for (let i = 0; i < rows; i++) {
    for (let d = 0; d < dim; d++) {
      const u = unit[i * dim + d]!;
      panels[((i >> 2) * dim + d) * 4 + (i & 3)] = u;
      squares[i]! += u * u;
    }
  }
  return { panels, squares };
}

/** Classes of about five rows, not in order. */
function classesOf(rows: number) {
  const random = stream(1, 'kernels', 'labels', rows);
  const classes = new Classes(
    random.shuffle(Int32Array.from({ length: rows }, (_, i) => i % Math.ceil(rows / 5))),
  );
  return {
    classes,
    classOf: put(classes.classOf),
    pairStart: put(classes.pairStart),
    positive: put(classes.positive),
  };
}

const matrixOf = (n: number, value: (i: number, j: number) => number) =>
  Float64Array.from({ length: n * n }, (_, at) => value(Math.floor(at / n), at % n));

test('exp of two numbers has the bits of exp of one', () => {
  const random = stream(1, 'kernels', 'exp');
  const x = Float64Array.from({ length: 20_000 }, (_, i) =>
    i < 1400 ? i - 700 : (random.float() - 0.5) * (i % 2 === 0 ? 1400 : 4),
  );
  const out = room(x.length);
  kernels().exports.expAll(out.byteOffset, put(x).byteOffset, x.length);
  expect(out).toEqual(put(x.map(exp)));
});

test.each(shapes)('%i rows of %i: dot products and distances, to the bit', (rows, dim) => {
  const unit = numbers('unit', rows * dim);
  // Rows that are equal, and rows so near that the expanded square has no digits left.
  for (let d = 0; d < dim; d++) {
    if (rows > 2) unit[2 * dim + d] = unit[d]!;
    if (rows > 8) unit[8 * dim + d] = unit[dim + d]! + 1e-5;
  }
  const { panels, squares } = panelsOf(unit, rows, dim);
  const dot = (i: number, j: number) => {
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += unit[i * dim + d]! * unit[j * dim + d]!;
    return sum;
  };
  const squared = (i: number, j: number) => {
    const expanded = squares[i]! + squares[j]! - 2 * dot(i, j);
    if (expanded > 1e-4) return expanded;
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += (unit[i * dim + d]! - unit[j * dim + d]!) ** 2;
    return sum;
  };
  // So large that some roots are of negative numbers: those are 0.
  const shifts = put(numbers('shifts', rows));
  const constant = 0.25;
  const directed = (i: number, j: number) =>
    Math.sqrt(Math.max(0, squared(i, j) + (shifts[i]! + constant - shifts[j]!)));
  const matrix = room(rows * rows, rows);
  const made = () => matrix.slice();
  kernels().run(rows, ['dotRows', matrix, panels, rows, dim]);
  expect(made()).toEqual(matrixOf(rows, dot));
  kernels().run(rows, ['squareRows', matrix, panels, squares, rows, dim]);
  expect(made()).toEqual(matrixOf(rows, squared));
  kernels().run(rows, ['euclideanRows', matrix, panels, squares, rows, dim]);
  expect(made()).toEqual(matrixOf(rows, (i, j) => Math.sqrt(squared(i, j))));
  kernels().run(rows, ['directedRows', matrix, panels, squares, shifts, constant, rows, dim]);
  expect(made()).toEqual(matrixOf(rows, directed));
});

test.each(shapes)('%i rows of %i: from the weights of pairs to the gradient, to the bit', (rows, dim) => {
  const unit = put(numbers('unit', rows * dim));
  // Two thirds are 0, as in mined weights, so that columns are left out.
  const weights = put(numbers('weights', rows * rows).map((w) => (Math.abs(w) < 1 ? 0 : w)));
  const norms = put(numbers('norms', rows));
  const width = Math.ceil(dim / 4) * 4;
  const blocks = room(width * rows);
  unit.forEach((u, at) => {
    const [i, d] = [Math.floor(at / dim), at % dim];
    blocks[((d >> 2) * rows + i) * 4 + (d & 3)] = u;
  });
  const gradient = room(rows * dim, dim);
  const sums = room(rows * width, width);
  for (const [scale, shift] of [
    [-0.7, 0],
    [1.3, 0.25],
  ] as const) {
    kernels().run(rows, [
      'gradientRows',
      ...[gradient, sums, weights, blocks, unit, norms, scale, shift, rows, dim, width],
    ]);
    for (let i = 0; i < rows; i++) {
      let skew = 0;
      for (let j = 0; j < rows; j++) skew += weights[i * rows + j]! - weights[j * rows + i]!;
      const g = Float64Array.from({ length: dim }, (_, d) => {
        let sum = 0;
        for (let j = 0; j < rows; j++) {
          sum += (weights[i * rows + j]! + weights[j * rows + i]!) * unit[j * dim + d]!;
        }
        return scale * sum + (shift === 0 ? 0 : shift * skew);
      });
      let along = 0;
      for (let d = 0; d < dim; d++) along += g[d]! * unit[i * dim + d]!;
      const expected = g.map((value, d) => (value - unit[i * dim + d]! * along) / norms[i]!);
      expect(gradient.slice(i * dim, (i + 1) * dim)).toEqual(expected);
    }
  }
});

/** What `spanRows` finds of a random matrix, semihard within a margin of 0.7; values of one decimal, so that some are equal. */
function spansOf(rows: number, sign = 1) {
  const groups = classesOf(rows);
  const { classes, classOf, pairStart, positive } = groups;
  const matrix = put(numbers('values', rows * rows).map((value) => Math.round(10 * value) / 10));
  const spans = integers(rows * rows);
  const order = integers(classes.pairs);
  const sizes = integers(rows);
  kernels().run(rows, [
    'spanRows',
    ...[spans, order, sizes, matrix, classOf, pairStart, positive],
    ...[rows, sign, 0.7, 1, 2],
  ]);
  return { ...groups, matrix, spans, order, sizes };
}

test.each([1, 9, 40, 71])('spans of %i rows: triplets by their definition', (rows) => {
  for (const sign of [1, -1]) {
    const { classes, matrix, spans, order, sizes } = spansOf(rows, sign);
    for (let a = 0; a < rows; a++) {
      const begin = classes.pairStart[a]!;
      const mine = [...order.subarray(begin, classes.pairStart[a + 1])];
      const value = (x: number) => sign * matrix[a * rows + x]!;
      const reach = (k: number) => value(classes.positive[k]!);
      expect(mine).toEqual([...mine].sort((k, l) => reach(k) - reach(l) || k - l));
      let size = 0;
      for (let n = 0; n < rows; n++) {
        const span = spans[a * rows + n]!;
        const found = mine.slice(span >>> 16, span & 0xffff);
        const gap = (k: number) => value(n) - reach(k);
        const other = classes.classOf[n] !== classes.classOf[a];
        expect(found).toEqual(other ? mine.filter((k) => gap(k) > 0 && !(gap(k) > 0.7)) : []);
        size += found.length;
      }
      expect(sizes[a]).toBe(size);
    }
  }
});

/** What `angularRows` finds of random dot products and thresholds. */
function wordsOf(rows: number) {
  const groups = classesOf(rows);
  const { classes, classOf, pairStart, positive } = groups;
  const width = (rows + 31) >> 5;
  const dots = put(numbers('values', rows * rows));
  const own = put(numbers('own', 32 * width));
  const thresholds = put(numbers('thresholds', classes.pairs));
  const others = integers(classes.count * width);
  for (let c = 0; c < classes.count; c++) {
    for (let n = 0; n < rows; n++)
      if (classes.classOf[n] !== c) others[c * width + (n >> 5)]! |= 1 << (n & 31);
  }
  const words = integers(classes.pairs * width);
  const sizes = integers(rows);
  kernels().run(rows, [
    'angularRows',
    ...[words, sizes, dots, own, thresholds, others, classOf, pairStart, positive],
    ...[rows, width],
  ]);
  const has = (k: number, n: number) => ((words[k * width + (n >> 5)]! >>> (n & 31)) & 1) === 1;
  return { ...groups, dots, own, thresholds, words, width, sizes, has };
}

test.each([1, 9, 40, 71])('bit sets of %i rows: one comparison a triplet', (rows) => {
  const { classes, dots, own, thresholds, sizes, has } = wordsOf(rows);
  for (let a = 0; a < rows; a++) {
    let size = 0;
    for (let k = classes.pairStart[a]!; k < classes.pairStart[a + 1]!; k++) {
      const p = classes.positive[k]!;
      for (let n = 0; n < rows; n++) {
        const value = dots[a * rows + n]! + dots[p * rows + n]! - own[n]!;
        const mined = classes.classOf[n] !== classes.classOf[a] && value > thresholds[k]!;
        expect(has(k, n)).toBe(mined);
        size += Number(mined);
      }
    }
    expect(sizes[a]).toBe(size);
  }
});

/** Counts that kernels made of a selection, beside those that a list of its triplets gives. */
function countsOf(rows: number, from: 'spans' | 'words') {
  const stride = Math.ceil(rows / 8) * 8;
  const negatives = kernels().array(Uint16Array, rows * stride);
  // What an earlier batch left must not matter.
  negatives.fill(7);
  const triplets = from === 'spans' ? spansOf(rows) : wordsOf(rows);
  const { classes, pairStart } = triplets;
  const positives = integers(classes.pairs);
  const listed: [a: number, k: number, n: number][] = [];
  const visit = (each: (a: number, k: number, n: number) => void) => {
    for (let a = 0; a < rows; a++)
      for (let k = classes.pairStart[a]!; k < classes.pairStart[a + 1]!; k++)
        for (let n = 0; n < rows; n++) each(a, k, n);
  };
  if ('spans' in triplets) {
    const { spans, order } = triplets;
    kernels().run(rows, ['countSpans', positives, negatives, spans, order, pairStart, rows, stride]);
    visit((a, k, n) => {
      const span = spans[a * rows + n]!;
      const place = order.indexOf(k) - classes.pairStart[a]!;
      if (place >= span >>> 16 && place < (span & 0xffff)) listed.push([a, k, n]);
    });
  } else {
    const { words, width, has } = triplets;
    kernels().run(rows, ['countWords', positives, negatives, words, pairStart, stride, width]);
    visit((a, k, n) => {
      if (has(k, n)) listed.push([a, k, n]);
    });
  }
  return { ...triplets, positives, negatives, stride, listed };
}

test.each([1, 9, 40, 71])('counts of pairs of %i rows are those of the listed triplets', (rows) => {
  for (const from of ['spans', 'words'] as const) {
    const { positives, negatives, stride, listed } = countsOf(rows, from);
    const expectedPositives = positives.slice().fill(0);
    const expectedNegatives = negatives.slice().fill(0);
    for (const [a, k, n] of listed) {
      expectedPositives[k]!++;
      expectedNegatives[a * stride + n]!++;
    }
    expect(positives.slice()).toEqual(expectedPositives);
    expect(negatives.slice()).toEqual(expectedNegatives);
  }
});

test.each([9, 40, 71])('hinges of the pairs of %i rows', (rows) => {
  const { classes, pairStart, positive, positives, negatives, stride, matrix } = {
    matrix: put(numbers('values', rows * rows)),
    ...countsOf(rows, 'spans'),
  };
  for (const [sign, divide, low, high] of [
    [1, 0, 0, Number.POSITIVE_INFINITY],
    [1, 1, 0.2, 1.5],
    [-1, 0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  ] as const) {
    const [near, far] = [-0.3, 0.4];
    const coefficients = room(rows * rows, rows);
    const totals = room(6 * rows);
    const active = room(2 * rows);
    kernels().run(rows, [
      'hingeRows',
      ...[coefficients, totals, active, matrix, positives, negatives, pairStart],
      ...[positive, rows, stride, sign, near, far, low, high, divide],
    ]);
    for (let a = 0; a < rows; a++) {
      const expected = [0, 0, 0, 0, 0, 0, 0, 0];
      const weights = new Float64Array(rows);
      const add = (kind: 0 | 1, x: number, count: number) => {
        const value = matrix[a * rows + x]!;
        const slope = kind === 0 ? sign : -sign;
        const loss = Math.max(0, kind === 0 ? sign * (value - near) : sign * (far - value));
        expected[3 * kind + 1]! += count;
        if (loss > 0) expected[6 + kind]! += count;
        if (!(loss > low && loss < high)) return;
        expected[3 * kind]! += count * loss;
        expected[3 * kind + 2]! += count;
        if (loss > 0 && !(divide && value === 0)) weights[x] = (slope * count) / (divide ? value : 1);
      };
      for (let k = classes.pairStart[a]!; k < classes.pairStart[a + 1]!; k++) {
        if (positives[k]! > 0) add(0, classes.positive[k]!, positives[k]!);
      }
      for (let n = 0; n < rows; n++) {
        if (negatives[a * stride + n]! > 0) add(1, n, negatives[a * stride + n]!);
      }
      for (let t = 0; t < 6; t++) expect(totals[t * rows + a]).toBeCloseTo(expected[t]!, 10);
      expect([active[a], active[rows + a]]).toEqual(expected.slice(6));
      weights.forEach((weight, x) => {
        expect(coefficients[a * rows + x]).toBeCloseTo(weight, 10);
      });
    }
  }
});

test.each([9, 40, 71])('soft maxima over the pairs of %i rows', (rows) => {
  const { classes, pairStart, positive, positives, negatives, stride } = countsOf(rows, 'words');
  const matrix = put(numbers('values', rows * rows));
  for (const [start, pull, near, push, far, divide] of [
    [1, -2, 1, 30, 0.5, 0],
    [0, 1, 0.1, -1, 1, 1],
  ] as const) {
    const coefficients = room(rows * rows, rows);
    const sums = room(2 * rows);
    kernels().run(rows, [
      'softMaximumRows',
      ...[coefficients, sums, matrix, positives, negatives, pairStart],
      ...[positive, rows, stride, start, pull, near, push, far, divide],
    ]);
    for (let a = 0; a < rows; a++) {
      const powers = new Float64Array(rows);
      let [together, apart] = [start as number, start as number];
      const value = (x: number) => matrix[a * rows + x]!;
      const found: number[] = [];
      for (let k = classes.pairStart[a]!; k < classes.pairStart[a + 1]!; k++) {
        if (positives[k]! > 0) found.push(classes.positive[k]!);
      }
      for (const p of found) {
        powers[p] = exp(pull * (value(p) - near));
        together += powers[p]!;
      }
      for (let n = 0; n < rows; n++) {
        if (negatives[a * stride + n] === 0) continue;
        powers[n] = exp(push * (value(n) - far));
        apart += powers[n]!;
      }
      expect([sums[a], sums[rows + a]]).toEqual([together, apart]);
      powers.forEach((power, x) => {
        const share = found.includes(x)
          ? (Math.sign(pull) * power) / together
          : (Math.sign(push) * power) / (apart || 1);
        expect(coefficients[a * rows + x]).toBeCloseTo(divide ? share / value(x) : share, 12);
      });
    }
  }
});

test.each([9, 40, 71])('hinges of the triplets of %i rows, whatever the order of the places', (rows) => {
  const { classes, pairStart, positive, spans, order, matrix, listed } = countsOf(
    rows,
    'spans',
  ) as ReturnType<typeof spansOf> & { listed: [number, number, number][] };
  for (const values of [matrix, put(numbers('others', rows * rows))]) {
    for (const [sign, divide, low, high] of [
      [1, 0, 0, Number.POSITIVE_INFINITY],
      [1, 1, 0.2, 0.6],
      [-1, 0, 0, 1],
    ] as const) {
      const margin = 0.5;
      const coefficients = room(rows * rows, rows);
      const totals = room(3 * rows);
      kernels().run(rows, [
        'tripletHingeRows',
        ...[coefficients, totals, values, spans, order, pairStart, positive],
        ...[rows, sign, margin, low, high, divide],
      ]);
      const weights = new Float64Array(rows * rows);
      const expected = new Float64Array(3 * rows);
      for (const [a, k, n] of listed) {
        const p = classes.positive[k]!;
        const loss = sign * (values[a * rows + p]! - values[a * rows + n]!) + margin;
        expected[rows + a]!++;
        if (!(loss > low && loss < high)) continue;
        expected[a]! += loss;
        expected[2 * rows + a]!++;
        weights[a * rows + p]! += sign;
        weights[a * rows + n]! -= sign;
      }
      totals.forEach((total, at) => {
        expect(total).toBeCloseTo(expected[at]!, 9);
      });
      weights.forEach((weight, at) => {
        const value = values[at]!;
        expect(coefficients[at]).toBeCloseTo(divide ? (value === 0 ? 0 : weight / value) : weight, 9);
      });
    }
  }
});

test('an array from elsewhere is refused', () => {
  const outside = new Float64Array(4);
  expect(() => kernels().run(1, ['dotRows', outside, outside, 1, 1])).toThrow('outside the memory');
});
