import type { EmbeddingBatch } from '../distances/index.js';

/** Figures that show whether an embedding is collapsing: what the paper's Triplet and Contrastive runs silently suffer from. */
export interface EmbeddingHealth {
  /** Mean over the coordinates of their standard deviation over the batch, 0 … 1/√dim; 0 = all in one point. */
  spread: number;
  /** exp of the entropy of the covariance's normalised eigenvalues (Roy & Vetterli 2007), 1 … dim; 0 where all is one point. */
  effectiveRank: number;
}

/** Health of the normalised embeddings of a batch; NaN where the batch is not finite. Costs n·dim²/2 + dim³. */
export function embeddingHealth({ unit, rows, dim, finite }: EmbeddingBatch): EmbeddingHealth {
  if (!finite) return { spread: Number.NaN, effectiveRank: Number.NaN };
  if (rows === 0) return { spread: 0, effectiveRank: 0 };
  const mean = new Float64Array(dim);
  for (let i = 0; i < rows; i++) for (let d = 0; d < dim; d++) mean[d]! += unit[i * dim + d]! / rows;
  const covariance = new Float64Array(dim * dim);
  const centred = new Float64Array(dim);
  for (let i = 0; i < rows; i++) {
    for (let d = 0; d < dim; d++) centred[d] = unit[i * dim + d]! - mean[d]!;
    for (let d = 0; d < dim; d++) {
      const scaled = centred[d]! / rows;
      for (let e = 0; e <= d; e++) covariance[d * dim + e]! += scaled * centred[e]!;
    }
  }
  let spread = 0;
  let trace = 0;
  for (let d = 0; d < dim; d++) {
    const variance = covariance[d * dim + d]!;
    trace += variance;
    spread += Math.sqrt(variance) / dim;
    for (let e = 0; e < d; e++) covariance[e * dim + d] = covariance[d * dim + e]!;
  }
  if (trace < 1e-14) return { spread, effectiveRank: 0 };
  let entropy = 0;
  for (const value of eigenvalues(covariance, dim)) {
    const share = value / trace;
    if (share > 0) entropy -= share * Math.log(share);
  }
  return { spread, effectiveRank: Math.exp(entropy) };
}

/** Eigenvalues of a symmetric matrix [n, n] by cyclic Jacobi rotations; the matrix is overwritten. */
export function eigenvalues(a: Float64Array, n: number): Float64Array {
  const offDiagonal = () => {
    let sum = 0;
    for (let p = 0; p < n; p++) for (let q = 0; q < p; q++) sum += a[p * n + q]! ** 2;
    return sum;
  };
  let scale = 0;
  for (let i = 0; i < n * n; i++) scale += a[i]! ** 2;
  // Converges quadratically: a dozen sweeps are more than enough for any n that an embedding has.
  for (let sweep = 0; sweep < 30 && offDiagonal() > 1e-22 * scale; sweep++) {
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q]!;
        if (apq === 0) continue;
        const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const akp = a[k * n + p]!;
          const akq = a[k * n + q]!;
          a[k * n + p] = c * akp - s * akq;
          a[k * n + q] = s * akp + c * akq;
        }
        for (let k = 0; k < n; k++) {
          const apk = a[p * n + k]!;
          const aqk = a[q * n + k]!;
          a[p * n + k] = c * apk - s * aqk;
          a[q * n + k] = s * apk + c * aqk;
        }
      }
    }
  }
  return Float64Array.from({ length: n }, (_, i) => a[i * n + i]!);
}
