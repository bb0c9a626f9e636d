import { ignoreElements, lastValueFrom } from 'rxjs';
import type { Benchmark } from '../core/benchmark/benchmark.js';
import { openBenchmark } from '../core/benchmark/index.js';
import { controllerFor } from '../core/controller/config.js';
import { initialWeights } from '../core/controller/weights.js';
import { openEngine } from '../core/engine/index.js';
import { given } from '../core/given.js';
import { findNamed } from '../core/params.js';
import { Pool, type QueryRow } from '../core/search/pool.js';
import { storedWeights } from '../pipelines/fromSpec/resources.js';
import { search } from '../pipelines/search.js';
import { learns, searchers } from '../pipelines/searchers/index.js';
import type { SearchSettings } from './sweepSettings.js';

/** One search of a sweep as a unit of work: its settings say all that its rows depend on. */
export type Entry = SearchSettings;

const open = new Map<string, Promise<Benchmark>>();

/** Searches without a run folder. The benchmark is opened once a process and stays open. */
export async function runEntry(entry: Entry): Promise<QueryRow[]> {
  if (!open.has(entry.benchmark)) open.set(entry.benchmark, openBenchmark(entry.benchmark));
  const benchmark = await open.get(entry.benchmark)!;
  const { seed, identity, protocol, targetFloor } = entry;
  const spec = findNamed('searcher', searchers, entry.searcher);
  const pool = new Pool({ benchmark, searcher: spec.name, seed, identity, protocol, targetFloor });
  const engine = learns(spec) ? await openEngine(entry.engine, given({ threads: entry.threads })) : undefined;
  try {
    const config = controllerFor(benchmark.space);
    const weights = engine && storedWeights(entry.controller, benchmark.space);
    const controller = await engine?.controller(config, weights ?? initialWeights(config, seed));
    try {
      const searcher = spec.create({
        ...entry.searcherParams,
        benchmark,
        pool,
        seed,
        controller: controller!, // there where the searcher needs it
      });
      const { queries: budget, seconds, rounds, patience } = entry;
      const events = search({ searcher, benchmark, pool, budget, seconds, rounds, patience });
      await lastValueFrom(events.pipe(ignoreElements()), { defaultValue: undefined });
      return pool.rows;
    } finally {
      controller?.dispose();
    }
  } finally {
    await engine?.dispose();
  }
}
