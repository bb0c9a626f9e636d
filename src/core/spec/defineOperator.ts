import type { ZodObject } from 'zod';

/** What a component promises about its interface. */
export type Stability = 'stable' | 'beta' | 'experimental';

/**
 * What a component says of itself. Validation, `rxnas list`, `rxnas describe`, lint, JSON Schema and docs pages follow
 * from it, so that it is written once, in the component's own file.
 */
export interface OperatorSpec {
  /** Name in specs and registries. */
  name: string;
  kind: 'source' | 'operator' | 'sink';
  /** One sentence. */
  summary: string;
  /** Parameters that a spec may set, with defaults, ranges and descriptions. */
  params: ZodObject;
  /** Resources that the running pipeline hands in beside the parameters (`space`, `seed`, `controller`, …). */
  needs: readonly string[];
  /** Columns that must flow in; empty for sources. */
  input: readonly string[];
  /** Columns that flow out. */
  output: readonly string[];
  stability: Stability;
  /** A stage as it stands in a spec. */
  example: string;
}

/**
 * Ties an operator's function to its spec. The function takes parameters and resources in one object and gives the RxJS
 * operator (or, for a source, the observable).
 */
export function defineOperator<F extends (...args: never[]) => unknown>(
  spec: OperatorSpec,
  create: F,
): F & { readonly spec: OperatorSpec } {
  return Object.assign(create, { spec: Object.freeze(spec) });
}
