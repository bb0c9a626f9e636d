import { type Component, componentKinds } from './component.js';

/** The components that a module exports: specs, and functions that carry theirs (`defineOperator`). */
export function componentsOf(module: Readonly<Record<string, unknown>>): Component[] {
  const found = Object.values(module).flatMap((value) => componentOf(value) ?? []);
  return [...new Set(found)]; // an export may have two names
}

function componentOf(value: unknown): Component | undefined {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined;
  const { spec = value } = value as { spec?: unknown };
  const { kind } = (spec ?? {}) as { kind?: unknown };
  return (componentKinds as readonly unknown[]).includes(kind) ? (spec as Component) : undefined;
}
