import type { JsonValue } from '../../core/run/index.js';
import { rowsOfSpec } from '../../core/spec/resolved.js';
import type { Resolved } from './tasks.js';

/**
 * A resolved spec without what its rows do not depend on: its name, where it is carried out, how often checkpoints are made, and the threads of the simd
 * engines, which have the same bits on any number.
 */
export function essence(spec: Resolved): Resolved {
  const { name: _, engine = null, ...rest } = rowsOfSpec(spec);
  return { ...(withoutIntervals(rest) as Resolved), engine: withoutThreads(engine) };
}

function withoutIntervals(node: JsonValue): JsonValue {
  if (Array.isArray(node)) return node.map(withoutIntervals);
  if (!isObject(node)) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === 'checkpoint' && isObject(value) ? {} : withoutIntervals(value),
    ]),
  );
}

function withoutThreads(engine: JsonValue): JsonValue {
  const [name] = isObject(engine) ? Object.keys(engine) : [engine];
  return String(name).startsWith('simd') ? name! : engine;
}

const isObject = (value: JsonValue): value is { [key: string]: JsonValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
