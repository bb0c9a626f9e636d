import { findNamed, parseParams } from '../params.js';
import { avgNonZero } from './avgNonZero.js';
import { divisor } from './divisor.js';
import { mean } from './mean.js';
import type { Reducer, ReducerSpec } from './reducer.js';
import { sum } from './sum.js';
import { threshold } from './threshold.js';

export { defineReducer, type Reducer, type ReducerSpec, type TermCounts } from './reducer.js';

/** All reducers, by name. */
export const reducers: readonly ReducerSpec[] = [mean, avgNonZero, threshold, divisor, sum];

/** A reducer by its name, or by its spec, and its parameters; a usage error for an unknown name or a wrong parameter. */
export function openReducer(reducer: string | ReducerSpec, params: Record<string, unknown> = {}): Reducer {
  const spec = typeof reducer === 'string' ? findNamed('reducer', reducers, reducer) : reducer;
  return spec.create(parseParams(`reducer ${spec.name}`, spec.params, params));
}
