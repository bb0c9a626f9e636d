import type { ZodObject } from 'zod';
import type { Component } from '../spec/component.js';
import type { EmbeddingBatch } from './batch.js';

/** How far apart two normalised embeddings are (or, for a similarity, how near). */
export interface Distance {
  readonly name: string;
  /** 1 where a larger value means farther apart, −1 where it means nearer. */
  readonly sign: 1 | -1;
  /** Smallest and largest value between normalised embeddings. */
  readonly range: readonly [number, number];
  /** Value of every ordered pair, [n, n], diagonal included. */
  matrix(batch: EmbeddingBatch): Float64Array;
  /**
   * The chain rule from value to embeddings. With w_ij = {@link weigh}(∂L/∂value_ij), the gradient is
   *
   * - `difference`: ∂L/∂u_i += w_ij (u_i − u_j + ε), ∂L/∂u_j −= the same;
   * - otherwise:    ∂L/∂u_i += w_ij u_j, ∂L/∂u_j += w_ij u_i.
   */
  readonly difference: boolean;
  readonly epsilon: number;
  /** Whether {@link weigh} divides by the value, and makes the weight of a value 0 zero: kernels do that as they go. */
  readonly perValue: boolean;
  /** Turns row a of `coefficients` [n, n], ∂L/∂value, into weights, in place; the diagonal is left out of account. */
  weigh(batch: EmbeddingBatch, coefficients: Float64Array, a: number): void;
}

/** A distance as registries and docs know it. */
export interface DistanceSpec<P extends ZodObject = ZodObject> extends Component<P> {
  readonly kind: 'distance';
  readonly source: string;
  readonly formula: string;
  create(): Distance;
}

/** {@link Distance.weigh} of distances whose derivative is a difference divided by the value. */
export function dividedByValue(
  this: Distance,
  batch: EmbeddingBatch,
  coefficients: Float64Array,
  a: number,
): void {
  const matrix = this.matrix(batch);
  const n = batch.rows;
  for (let j = a * n; j < (a + 1) * n; j++) {
    coefficients[j] = matrix[j] === 0 ? 0 : coefficients[j] / matrix[j];
  }
}
