import type { output, ZodObject } from 'zod';
import type { Component } from '../spec/component.js';

/** How many losses of one term there are. */
export interface TermCounts {
  /** Tuples (or rows) that have a loss, with repetition. */
  tuples: number;
  /** Those of them whose loss lies strictly between `low` and `high` of the reducer. */
  counted: number;
  /** The term's own divisor, where the loss names one. */
  divisor?: number;
}

/** Turns the losses of many tuples into one number: the sum of those in range, divided by something. */
export interface Reducer {
  readonly name: string;
  /** Only losses strictly between these take part; (−∞, ∞) for all. */
  readonly low: number;
  readonly high: number;
  /** By what their sum is divided; 0 makes the reduced loss 0. */
  divisor(counts: TermCounts): number;
}

/** A reducer as registries and docs know it. */
export interface ReducerSpec<P extends ZodObject = ZodObject> extends Component<P> {
  readonly kind: 'reducer';
  readonly source: string;
  readonly formula: string;
  create(params: output<P>): Reducer;
}

/** Keeps the parameter types of a spec while it is written down. */
export const defineReducer = <P extends ZodObject>(spec: Omit<ReducerSpec<P>, 'kind'>): ReducerSpec<P> =>
  Object.freeze({ kind: 'reducer', ...spec });

/** The range that leaves nothing out. */
export const everything = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
