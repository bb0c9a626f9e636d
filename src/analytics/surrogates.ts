/** Surrogates of accuracy on embeddings: what a cell's embedding tells about its accuracy. */

/** Rows of `width` features each, row-major. */
export interface Features {
  readonly values: Float32Array;
  readonly width: number;
}

/**
 * Ridge regression with an intercept: predictions for `test` after learning from `train`. Features are centred; the penalty is
 * `ridge` times the number of training rows on features of unit variance.
 *
 * @param train rows to learn from, with their targets
 */
export function ridgeRegression(
  { values, width }: Features,
  train: Uint32Array,
  targets: Float64Array,
  test: Uint32Array,
  ridge = 0.01,
): Float64Array {
  const mean = new Float64Array(width);
  let meanTarget = 0;
  for (const row of train) {
    for (let k = 0; k < width; k++) mean[k]! += values[row * width + k]! / train.length;
    meanTarget += targets[row]! / train.length;
  }
  // Normal equations of the centred features.
  const gram = new Float64Array(width * width);
  const right = new Float64Array(width);
  const x = new Float64Array(width);
  for (const row of train) {
    for (let k = 0; k < width; k++) x[k] = values[row * width + k]! - mean[k]!;
    const y = targets[row]! - meanTarget;
    for (let k = 0; k < width; k++) {
      right[k]! += x[k]! * y;
      for (let j = 0; j <= k; j++) gram[k * width + j]! += x[k]! * x[j]!;
    }
  }
  let trace = 0;
  for (let k = 0; k < width; k++) trace += gram[k * width + k]!;
  for (let k = 0; k < width; k++) gram[k * width + k]! += (ridge * trace) / width + Number.MIN_VALUE;
  const weights = solveSymmetric(gram, right);
  return Float64Array.from(test, (row) => {
    let sum = meanTarget;
    for (let k = 0; k < width; k++) sum += weights[k]! * (values[row * width + k]! - mean[k]!);
    return sum;
  });
}

/** Solves A·x = b for a positive definite A, of which the lower triangle is given, by Cholesky's decomposition; A is overwritten. */
function solveSymmetric(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, Number.EPSILON * a[0]!)) : sum / a[j * n + j]!;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= a[i * n + k]! * x[k]!;
    x[i]! /= a[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= a[k * n + i]! * x[k]!;
    x[i]! /= a[i * n + i]!;
  }
  return x;
}

/** Mean target of the `k` nearest training rows (Euclidean), a prediction for each test row. */
export function nearestNeighbours(
  features: Features,
  train: Uint32Array,
  targets: Float64Array,
  test: Uint32Array,
  k = 5,
): Float64Array {
  return Float64Array.from(test, (row) => {
    const near = nearest(features, row, train, k);
    return near.reduce((sum, other) => sum + targets[other]!, 0) / near.length;
  });
}

/** The `k` rows among `candidates` that are nearest to `row` (itself left out), nearest first. */
export function nearest(features: Features, row: number, candidates: Uint32Array, k: number): number[] {
  const rows: number[] = [];
  const distances: number[] = [];
  for (const candidate of candidates) {
    if (candidate === row) continue;
    const distance = squaredDistance(features, row, candidate);
    if (rows.length === k && distance >= distances[k - 1]!) continue;
    let at = Math.min(rows.length, k - 1);
    while (at > 0 && distances[at - 1]! > distance) {
      rows[at] = rows[at - 1]!;
      distances[at] = distances[at - 1]!;
      at--;
    }
    rows[at] = candidate;
    distances[at] = distance;
  }
  return rows;
}

export function squaredDistance({ values, width }: Features, a: number, b: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += (values[a * width + k]! - values[b * width + k]!) ** 2;
  return sum;
}
