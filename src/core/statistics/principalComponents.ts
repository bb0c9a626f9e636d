/** Points turned so that they vary most along the first axis, next along the second, and so on. */
export interface PrincipalComponents {
  /** Row-major [rows, width], around 0; distances are those of the points. */
  points: Float32Array;
  /** Of the points along each axis, largest first. */
  variances: Float64Array;
}

/**
 * Principal components of points. Each axis points to where its largest entry is positive, so that equal points give equal components.
 *
 * @param values row-major [rows, width], at least one row
 */
export function principalComponents(values: Float32Array, width: number): PrincipalComponents {
  const rows = values.length / width;
  const mean = new Float64Array(width);
  for (let i = 0; i < values.length; i++) mean[i % width]! += values[i]! / rows;
  const covariance = new Float64Array(width * width);
  for (let at = 0; at < values.length; at += width) {
    for (let a = 0; a < width; a++) {
      const x = values[at + a]! - mean[a]!;
      for (let b = 0; b <= a; b++) covariance[a * width + b]! += (x * (values[at + b]! - mean[b]!)) / rows;
    }
  }
  for (let a = 0; a < width; a++) {
    for (let b = a + 1; b < width; b++) covariance[a * width + b] = covariance[b * width + a]!;
  }
  const axes = jacobi(covariance, width);
  const order = Array.from({ length: width }, (_, i) => i).sort(
    (a, b) => covariance[b * width + b]! - covariance[a * width + a]!,
  );
  const turned = order.flatMap((axis) => {
    const column = Array.from({ length: width }, (_, i) => axes[i * width + axis]!);
    const largest = column.reduce((most, entry) => (Math.abs(entry) > Math.abs(most) ? entry : most), 0);
    return largest < 0 ? column.map((entry) => -entry) : column;
  });
  const points = new Float32Array(values.length);
  const centred = new Float64Array(width);
  for (let at = 0; at < values.length; at += width) {
    for (let i = 0; i < width; i++) centred[i] = values[at + i]! - mean[i]!;
    for (let axis = 0; axis < width; axis++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += turned[axis * width + i]! * centred[i]!;
      points[at + axis] = sum;
    }
  }
  return {
    points,
    variances: Float64Array.from(order, (axis) => Math.max(0, covariance[axis * width + axis]!)),
  };
}

/**
 * Eigenvectors, as columns, of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, 8.5); the matrix is made diagonal in
 * place.
 */
function jacobi(matrix: Float64Array, n: number): Float64Array {
  const vectors = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  const turn = (of: Float64Array, a: number, b: number, cos: number, sin: number) => {
    const [x, y] = [of[a]!, of[b]!];
    of[a] = cos * x - sin * y;
    of[b] = sin * x + cos * y;
  };
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const between = matrix[p * n + q]!;
        if (between === 0) continue;
        const theta = (matrix[q * n + q]! - matrix[p * n + p]!) / (2 * between);
        const tan = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const cos = 1 / Math.hypot(tan, 1);
        for (let i = 0; i < n; i++) turn(matrix, i * n + p, i * n + q, cos, tan * cos);
        for (let i = 0; i < n; i++) turn(matrix, p * n + i, q * n + i, cos, tan * cos);
        for (let i = 0; i < n; i++) turn(vectors, i * n + p, i * n + q, cos, tan * cos);
      }
    }
  }
  return vectors;
}
