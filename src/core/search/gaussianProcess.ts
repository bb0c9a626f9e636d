import { normalCdf, normalDensity } from '../statistics/normal.js';

/** Rows of numbers, one a cell, row-major. */
export interface Features {
  /** Numbers a row. */
  width: number;
  values: Float64Array;
}

/** What a fitted process says of one row, in units of the (standardised) targets. */
export interface Prediction {
  mean: number;
  deviation: number;
}

/** Squared length scales, in units of the mean squared distance of two rows, and noise variances, in units of the signal's. */
const scales = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2];
const noises = [0.03, 0.1, 0.3];

/**
 * Gaussian-process regression with an RBF kernel; scale and noise are those of the largest marginal likelihood on a small grid, the
 * signal's variance is fitted in closed form. Cubic in the number of rows: made for hundreds.
 */
export class GaussianProcess {
  readonly #features: Features;
  readonly #rows: number;
  /** Lower Cholesky factor of the kernel matrix, row-major. */
  readonly #factor: Float64Array;
  /** K⁻¹·y. */
  readonly #weights: Float64Array;
  readonly #scale: number;
  readonly #variance: number;

  /** @param targets one a row, standardised */
  constructor(features: Features, targets: Float64Array) {
    const n = targets.length;
    const distances = new Float64Array(n * n);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        distances[i * n + j] = squaredDistance(features, i, features, j);
        sum += distances[i * n + j]!;
      }
    }
    const typical = sum / ((n * (n - 1)) / 2) || 1;
    let best: { evidence: number; factor: Float64Array; half: Float64Array; scale: number } | undefined;
    for (const scale of scales.map((s) => s * typical)) {
      for (const noise of noises) {
        const factor = cholesky(distances, n, scale, noise);
        const half = forward(factor, n, targets);
        let logDeterminant = 0;
        for (let i = 0; i < n; i++) logDeterminant += Math.log(factor[i * n + i]!);
        const evidence = -0.5 * n * Math.log(dot(half, half) / n) - logDeterminant;
        if (!best || evidence > best.evidence) best = { evidence, factor, half, scale };
      }
    }
    this.#features = features;
    this.#rows = n;
    this.#factor = best!.factor;
    this.#weights = backward(best!.factor, n, best!.half);
    this.#scale = best!.scale;
    this.#variance = dot(best!.half, best!.half) / n;
  }

  /** Predicted means of rows. */
  means(rows: Features): Float64Array {
    const n = this.#rows;
    const means = new Float64Array(rows.values.length / rows.width);
    for (let r = 0; r < means.length; r++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += this.#kernel(rows, r, i) * this.#weights[i]!;
      means[r] = sum;
    }
    return means;
  }

  /** Mean and deviation of one row, noise left out. */
  predict(rows: Features, row: number): Prediction {
    const n = this.#rows;
    const kernel = Float64Array.from({ length: n }, (_, i) => this.#kernel(rows, row, i));
    const half = forward(this.#factor, n, kernel);
    const variance = Math.max(1 - dot(half, half), 1e-9) * this.#variance;
    return { mean: dot(kernel, this.#weights), deviation: Math.sqrt(variance) };
  }

  #kernel(rows: Features, row: number, i: number): number {
    return Math.exp(-squaredDistance(rows, row, this.#features, i) / this.#scale);
  }
}

/** Expected improvement on the best target so far (Jones et al. 1998). */
export function expectedImprovement({ mean, deviation }: Prediction, best: number): number {
  const z = (mean - best) / deviation;
  return deviation * (z * normalCdf(z) + normalDensity(z));
}

function squaredDistance(a: Features, i: number, b: Features, j: number): number {
  let sum = 0;
  for (let k = 0; k < a.width; k++) {
    const difference = a.values[i * a.width + k]! - b.values[j * a.width + k]!;
    sum += difference * difference;
  }
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Cholesky factor of exp(−distances / scale) + noise·I; only the lower triangle of `distances` is read. */
function cholesky(distances: Float64Array, n: number, scale: number, noise: number): Float64Array {
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? 1 + noise : Math.exp(-distances[i * n + j]! / scale);
      for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
      factor[i * n + j] = i === j ? Math.sqrt(sum) : sum / factor[j * n + j]!;
    }
  }
  return factor;
}

function forward(factor: Float64Array, n: number, right: Float64Array): Float64Array {
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= factor[i * n + k]! * x[k]!;
    x[i] = sum / factor[i * n + i]!;
  }
  return x;
}

function backward(factor: Float64Array, n: number, right: Float64Array): Float64Array {
  const x = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    let sum = right[i]!;
    for (let k = i + 1; k < n; k++) sum -= factor[k * n + i]! * x[k]!;
    x[i] = sum / factor[i * n + i]!;
  }
  return x;
}
