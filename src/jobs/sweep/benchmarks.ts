import { nameOf } from '../../core/spec/spec.js';
import { spaceOf } from '../../pipelines/fromSpec/index.js';
import { openBenchmarkOf } from '../../pipelines/fromSpec/resources.js';
import type { Sweep } from '../../pipelines/fromSpec/sweep.js';

/**
 * Opens each benchmark of a sweep once: hashes of its data, where its figures come from, the space of the first one. Rejects with what is wrong with any
 * of them.
 */
export async function checkBenchmarks(sweep: Sweep, onNote: (line: string) => void) {
  const data: Record<string, string> = {};
  const provenance: Record<string, string> = {};
  const seen = new Set<string>();
  for (const { search } of sweep.variants) {
    const chosen = search.spec.benchmark!;
    const key = JSON.stringify(chosen);
    if (seen.has(key)) continue;
    seen.add(key);
    const benchmark = await openBenchmarkOf(chosen, search.registry, { onNote });
    Object.assign(data, benchmark.data);
    provenance[nameOf(chosen)] = benchmark.provenance;
    await benchmark.close?.();
  }
  const [first] = sweep.variants;
  return { data, provenance, space: spaceOf(first!.search.spec, first!.search.registry)!.name };
}
