import { benchmarks } from '../core/benchmark/index.js';
import type { Manifest } from '../core/run/index.js';
import { headlineOf } from '../core/spec/differences.js';

/** The space of a run's cells, from its spec. */
export function spaceOfRun({ spec }: Pick<Manifest, 'spec'>): string | undefined {
  const { space } = (spec ?? {}) as { space?: unknown };
  if (typeof space === 'string') return space;
  const { benchmark } = headlineOf(spec);
  return benchmark && benchmarks.find(({ name }) => name === benchmark.split(':')[0])?.space.name;
}
