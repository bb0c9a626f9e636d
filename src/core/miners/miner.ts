import type { output, ZodObject } from 'zod';
import type { EmbeddingBatch } from '../distances/index.js';
import type { NamedSpec } from '../params.js';
import type { Selection } from './selection.js';

/** Chooses tuples from a batch. */
export interface Miner {
  /** The tuples of a batch; none of one that cannot be used (`finite` is false). See {@link Selection} for how long it holds. */
  mine(batch: EmbeddingBatch): Selection;
}

/** A miner as registries, lint and docs know it. */
export interface MinerSpec<P extends ZodObject = ZodObject> extends NamedSpec<P> {
  /** Which tuples are chosen. */
  readonly formula: string;
  create(params: output<P>): Miner;
}

/** Keeps the parameter types of a spec while it is written down. */
export const defineMiner = <P extends ZodObject>(spec: MinerSpec<P>): MinerSpec<P> => Object.freeze(spec);
