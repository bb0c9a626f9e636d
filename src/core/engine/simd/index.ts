import { availableParallelism } from 'node:os';
import { usageError } from '../../errors.js';
import type { Engine, EngineOptions } from '../engine.js';
import { SimdEngine } from './engine.js';
import { loadModule } from './module.js';

/** Beyond this many threads a batch has no shards left to share. */
const mostThreads = 16;

/**
 * The engine that computes the whole controller in WebAssembly SIMD: nothing to install, and the same bits on every machine, under
 * any number of threads. Errors: exit code 2 for a wrong number of threads, 1 where WebAssembly is not to be had.
 */
export async function createSimdEngine(options: EngineOptions = {}): Promise<Engine> {
  const threads = options.threads ?? Math.min(2, availableParallelism());
  if (!Number.isInteger(threads) || threads < 1 || threads > mostThreads) {
    throw usageError(
      `threads is ${threads}`,
      `the simd engine takes a whole number from 1 to ${mostThreads}`,
    );
  }
  return new SimdEngine(await loadModule(), threads);
}
