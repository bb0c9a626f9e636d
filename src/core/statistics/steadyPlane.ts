/**
 * Points of many dimensions that move, seen in the plane in which they vary most (their first two principal axes). The plane is found anew
 * for each state of the points, starting from the one before, and then turned, or turned over, so that the points lie as near as they can
 * to where they lay (orthogonal Procrustes): what moves in the picture moves in the points.
 */
export class SteadyPlane {
  #basis: Float64Array | undefined;
  #last: Float64Array | undefined;

  /** @param dim dimensions of the points, ≥ 2 */
  constructor(readonly dim: number) {}

  /**
   * Where the points lie: row-major [rows, 2], around their mean, in the points' own scale.
   * @param points row-major [rows, dim], the same points each time
   */
  next(points: Float32Array): Float32Array {
    const centred = this.#centred(points);
    this.#basis = principalAxes(covarianceOf(centred, this.dim), this.dim, this.#basis);
    const places = project(centred, this.#basis, this.dim);
    if (this.#last) turnTowards(places, this.#last);
    this.#last = places;
    return Float32Array.from(places);
  }

  #centred(points: Float32Array): Float64Array {
    const { dim } = this;
    const mean = new Float64Array(dim);
    for (let i = 0; i < points.length; i++) mean[i % dim]! += points[i]!;
    return Float64Array.from(points, (value, i) => value - (mean[i % dim]! * dim) / points.length);
  }
}

/** Sums of products of centred points, [dim, dim]. */
function covarianceOf(centred: Float64Array, dim: number): Float64Array {
  const sums = new Float64Array(dim * dim);
  for (let at = 0; at < centred.length; at += dim) {
    for (let d = 0; d < dim; d++) {
      for (let e = 0; e < dim; e++) sums[d * dim + e]! += centred[at + d]! * centred[at + e]!;
    }
  }
  return sums;
}

const mostRounds = 500;
const precision = 1e-9;

/** The two leading eigenvectors of a symmetric positive matrix, row-major [2, dim], by orthogonal iteration. */
function principalAxes(matrix: Float64Array, dim: number, start?: Float64Array): Float64Array {
  let axes = start ?? Float64Array.from({ length: 2 * dim }, (_, i) => Math.cos(i)); // any will do
  let trace = 0;
  for (let d = 0; d < dim; d++) trace += matrix[d * dim + d]!;
  const keep = 1e-14 * (trace || 1); // an axis along which nothing varies stays as it is
  for (let round = 0; round < mostRounds; round++) {
    const next = new Float64Array(2 * dim);
    for (let i = 0; i < 2 * dim; i++) {
      const axis = i < dim ? 0 : dim;
      next[i] = keep * axes[i]!;
      for (let e = 0; e < dim; e++) next[i]! += matrix[(i % dim) * dim + e]! * axes[axis + e]!;
    }
    orthonormalize(next.subarray(0, dim), next.subarray(dim));
    const change = next.reduce((most, value, i) => Math.max(most, Math.abs(value - axes[i]!)), 0);
    axes = next;
    if (change < precision) break;
  }
  return axes;
}

function orthonormalize(first: Float64Array, second: Float64Array): void {
  scale(first);
  const along = first.reduce((sum, value, d) => sum + value * second[d]!, 0);
  for (let d = 0; d < first.length; d++) second[d]! -= along * first[d]!;
  scale(second);
}

function scale(axis: Float64Array): void {
  const norm = Math.hypot(...axis);
  for (let d = 0; d < axis.length; d++) axis[d]! /= norm;
}

function project(centred: Float64Array, axes: Float64Array, dim: number): Float64Array {
  const places = new Float64Array((2 * centred.length) / dim);
  for (let row = 0; row < places.length / 2; row++) {
    for (let d = 0; d < dim; d++) {
      places[2 * row]! += centred[row * dim + d]! * axes[d]!;
      places[2 * row + 1]! += centred[row * dim + d]! * axes[dim + d]!;
    }
  }
  return places;
}

/** Rotates, or reflects, centred places in the plane so that their squared distances to `target` sum up to the least. */
function turnTowards(places: Float64Array, target: Float64Array): void {
  let [xx, xy, yx, yy] = [0, 0, 0, 0];
  for (let i = 0; i < places.length; i += 2) {
    xx += places[i]! * target[i]!;
    xy += places[i]! * target[i + 1]!;
    yx += places[i + 1]! * target[i]!;
    yy += places[i + 1]! * target[i + 1]!;
  }
  const turns = Math.hypot(xx + yy, xy - yx) >= Math.hypot(xx - yy, xy + yx);
  const side = turns ? 1 : -1;
  const angle = turns ? Math.atan2(xy - yx, xx + yy) : Math.atan2(xy + yx, xx - yy);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  for (let i = 0; i < places.length; i += 2) {
    const [x, y] = [places[i]!, side * places[i + 1]!];
    places[i] = cosine * x - sine * y;
    places[i + 1] = sine * x + cosine * y;
  }
}
