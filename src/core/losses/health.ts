import { EmbeddingBatch } from '../distances/index.js';
import { kernels } from '../kernels/kernels.js';
import type { Miner, Selection } from '../miners/index.js';
import { stream } from '../random/random.js';
import type { OpenLoss } from './index.js';

/** How well a batch of normalised embeddings uses its space. NaN where an embedding is not finite. */
export interface EmbeddingHealth {
  /** Mean over the dimensions of the standard deviation over the batch: 0 (all equal) … 1/√dim (spread over the sphere). */
  spread: number;
  /** Root mean square of the distances between two different rows: 0 … √2 for embeddings spread over the sphere. */
  distance: number;
  /**
   * Number of dimensions in use, 1 … dim: exp of the entropy of the normalised singular values of the (uncentred) embedding matrix;
   * RankMe, arXiv 2210.02885.
   */
  effectiveRank: number;
}

/** Spread and effective rank of a batch; costs n·dim² multiplications. */
export function embeddingHealth(batch: EmbeddingBatch): EmbeddingHealth {
  const { rows: n, dim, square } = batch;
  if (!batch.finite) return { spread: Number.NaN, distance: Number.NaN, effectiveRank: Number.NaN };
  if (n === 0) return { spread: 0, distance: 0, effectiveRank: 0 };
  const variance = variances(batch);
  let spread = 0;
  let centre = 0;
  for (let d = 0; d < dim; d++) {
    spread += Math.sqrt(variance[d]! / n) / dim;
    centre += variance[d]!;
  }
  const moments = batch.scratch(embeddingHealth).matrix('moments', dim, dim);
  // The blocks of four dimensions of all rows are panels of four rows of Uᵀ: this is UᵀU.
  kernels().run(dim, ['dotRows', moments, batch.blocks, dim, n]);
  const anything = square.subarray(0, n).some((s) => s > 0);
  return {
    spread,
    // Σ_{i<j} ‖u_i − u_j‖² = n · Σ_i ‖u_i − mean‖².
    distance: n > 1 ? Math.sqrt((2 * centre) / (n - 1)) : 0,
    effectiveRank: anything ? entropyRank(eigenvalues(moments, dim)) : 0,
  };
}

/** Of each dimension, Σ (u − mean)² over the rows. */
function variances({ rows: n, dim, unit }: EmbeddingBatch): Float64Array {
  const mean = new Float64Array(dim);
  const variance = new Float64Array(dim);
  for (let i = 0; i < n; i++) for (let d = 0; d < dim; d++) mean[d]! += unit[i * dim + d]!;
  for (let d = 0; d < dim; d++) mean[d]! /= n;
  for (let i = 0; i < n; i++) {
    for (let d = 0; d < dim; d++) variance[d]! += (unit[i * dim + d]! - mean[d]!) ** 2;
  }
  return variance;
}

/** exp(−Σ p log p) of the square roots of `values`, normalised to sum 1. */
function entropyRank(values: Float64Array): number {
  const singular = values.map((value) => Math.sqrt(Math.max(0, value)));
  const total = singular.reduce((sum, s) => sum + s, 0);
  let entropy = 0;
  for (const s of singular) if (s > 0) entropy -= (s / total) * Math.log(s / total);
  return Math.exp(entropy);
}

/**
 * Eigenvalues of a symmetric matrix [dim, dim], which is overwritten, by cyclic Jacobi rotations: exact to rounding in a handful of
 * sweeps, and never more than 30.
 */
export function eigenvalues(matrix: Float64Array, dim: number): Float64Array {
  const at = (d: number, e: number) => matrix[d * dim + e]!;
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    let all = 0;
    for (let d = 0; d < dim; d++) {
      for (let e = 0; e < dim; e++) {
        all += at(d, e) ** 2;
        if (d !== e) off += at(d, e) ** 2;
      }
    }
    if (!(off > 1e-30 * all)) break;
    for (let d = 0; d < dim; d++) for (let e = d + 1; e < dim; e++) rotate(matrix, dim, d, e);
  }
  return Float64Array.from({ length: dim }, (_, d) => at(d, d));
}

/** The rotation of the plane (d, e) that makes entry (d, e) zero. */
function rotate(matrix: Float64Array, dim: number, d: number, e: number): void {
  const entry = matrix[d * dim + e]!;
  if (entry === 0) return;
  const theta = (matrix[e * dim + e]! - matrix[d * dim + d]!) / (2 * entry);
  const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (let k = 0; k < dim; k++) {
    const x = matrix[k * dim + d]!;
    const y = matrix[k * dim + e]!;
    matrix[k * dim + d] = cosine * x - sine * y;
    matrix[k * dim + e] = sine * x + cosine * y;
  }
  for (let k = 0; k < dim; k++) {
    const x = matrix[d * dim + k]!;
    const y = matrix[e * dim + k]!;
    matrix[d * dim + k] = cosine * x - sine * y;
    matrix[e * dim + k] = sine * x + cosine * y;
  }
}

/**
 * What a loss would be on the same selection if all embeddings were equal: where it stands still when they have collapsed (TripletMargin: its
 * margin; Contrastive: the margin of its negatives). Costs an evaluation of the loss; meant for a look every hundred steps or so.
 */
export function collapsedValue(loss: OpenLoss, batch: EmbeddingBatch, selection: Selection): number {
  const { rows, dim } = batch;
  const equal = new Float64Array(rows * dim);
  for (let i = 0; i < rows; i++) equal[i * dim] = 1;
  const labels = Int32Array.from(batch.classes.classOf, (c) => batch.classes.label[c]!);
  return loss.evaluate(new EmbeddingBatch().load(equal, labels), selection).value;
}

/** What the figures of a batch are held against. */
export interface CollapseReference {
  dim: number;
  /** Tuples that the miner chooses from. */
  candidates: number;
  /** {@link collapsedValue}. */
  collapsed: number;
}

/** The same for every batch of `rows` embeddings [rows, dim] in classes of `classSize`: measured on random ones. */
export function collapseReference(
  loss: OpenLoss,
  miner: Miner,
  { rows, classSize, dim }: { rows: number; classSize: number; dim: number },
): CollapseReference {
  const random = stream(0, 'collapse');
  const values = Float64Array.from({ length: rows * dim }, () => random.normal());
  const labels = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / classSize));
  const batch = new EmbeddingBatch().load(values, labels);
  const selection = miner.mine(batch);
  return { dim, candidates: selection.candidates, collapsed: collapsedValue(loss, batch, selection) };
}

/** Figures that a collapse shows in. */
export interface CollapseFigures extends Pick<EmbeddingHealth, 'spread' | 'effectiveRank'> {
  dim: number;
  /** Tuples mined ÷ candidates, of the same batch. */
  minedShare: number;
  /** The loss, and {@link collapsedValue}. */
  value: number;
  collapsed: number;
}

/** When a figure counts as a sign of collapse. */
export const collapseLimits = {
  /** Spread, as a share of 1/√dim. */
  spread: 0.05,
  /** Effective rank. */
  effectiveRank: 1.5,
  /** Distance of the loss from its collapsed value, as a share of that. */
  margin: 0.01,
};

/**
 * Signs of collapse, each as a sentence for the log; none where all is well. Of the loss at its margin, and of an empty selection, there
 * may be harmless reasons: two signs together are a collapse.
 */
export function collapseSigns(figures: CollapseFigures, limits = collapseLimits): string[] {
  const { spread, effectiveRank, minedShare, value, collapsed, dim } = figures;
  const signs: string[] = [];
  const full = 1 / Math.sqrt(dim);
  if (spread < limits.spread * full) {
    signs.push(`embeddings hardly differ: spread ${show(spread)} of at most ${show(full)}`);
  }
  if (effectiveRank < limits.effectiveRank) {
    signs.push(`embeddings use ${show(effectiveRank)} of ${dim} dimensions`);
  }
  if (minedShare === 0) signs.push('no tuple was mined');
  else if (collapsed > 0 && Math.abs(value - collapsed) <= limits.margin * collapsed) {
    signs.push(`the loss ${show(value)} is what equal embeddings give (${show(collapsed)})`);
  }
  return signs;
}

const show = (value: number) => String(Number(value.toPrecision(3)));
