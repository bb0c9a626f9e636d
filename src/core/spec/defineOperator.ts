import type { ZodObject } from 'zod';
import type { StageSpec } from './component.js';

/** What an operator's file says of it; see {@link StageSpec}. */
export type OperatorSpec<P extends ZodObject = ZodObject> = Omit<StageSpec<P>, 'create'>;

/**
 * Ties an operator's function to its spec. The function takes parameters and resources in one object and gives the RxJS
 * operator (or, for a source, the observable).
 */
export function defineOperator<P extends ZodObject, F extends (...args: never[]) => unknown>(
  spec: OperatorSpec<P>,
  create: F,
): F & { readonly spec: StageSpec<P> } {
  return Object.assign(create, { spec: Object.freeze({ ...spec, create }) });
}
