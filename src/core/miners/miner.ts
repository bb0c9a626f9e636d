import type { output, ZodObject } from 'zod';
import type { EmbeddingBatch } from '../distances/index.js';
import type { Component } from '../spec/component.js';
import type { Selection } from './selection.js';

/** Chooses tuples from a batch. */
export interface Miner {
  /** The tuples of a batch; none of one that cannot be used (`finite` is false). See {@link Selection} for how long it holds. */
  mine(batch: EmbeddingBatch): Selection;
}

/** A miner as registries, lint and docs know it. */
export interface MinerSpec<P extends ZodObject = ZodObject> extends Component<P> {
  readonly kind: 'miner';
  readonly source: string;
  /** Which tuples are chosen. */
  readonly formula: string;
  create(params: output<P>): Miner;
}

/** Keeps the parameter types of a spec while it is written down. */
export const defineMiner = <P extends ZodObject>(spec: Omit<MinerSpec<P>, 'kind'>): MinerSpec<P> =>
  Object.freeze({ kind: 'miner', ...spec });
