import { availableParallelism } from 'node:os';
import { usageError } from '../../errors.js';
import type { Engine, EngineOptions } from '../engine.js';
import { SimdEngine } from './engine.js';
import { loadModule, loadRelaxedModule } from './module.js';

/** Beyond this many threads a batch has no shards left to share. */
const mostThreads = 16;

/**
 * The engine that computes the whole controller in WebAssembly SIMD: nothing to install, and the same bits on every machine, under
 * any number of threads. Errors: exit code 2 for a wrong number of threads, 1 where WebAssembly is not to be had.
 */
export async function createSimdEngine(options: EngineOptions = {}): Promise<Engine> {
  const threads = threadsOf(options);
  return new SimdEngine(await loadModule(), threads);
}

/**
 * The same with fused multiply-adds (relaxed SIMD): faster, but with bits that depend on processor and runtime; on one machine they are
 * the same for any number of threads. Errors: exit code 1 where the runtime has no relaxed SIMD.
 */
export async function createRelaxedSimdEngine(options: EngineOptions = {}): Promise<Engine> {
  const threads = threadsOf(options);
  return new SimdEngine(await loadRelaxedModule(), threads, 'simd-relaxed');
}

function threadsOf(options: EngineOptions): number {
  const threads = options.threads ?? Math.min(2, availableParallelism());
  if (!Number.isInteger(threads) || threads < 1 || threads > mostThreads) {
    throw usageError(
      `threads is ${threads}`,
      `the simd engine takes a whole number from 1 to ${mostThreads}`,
    );
  }
  return threads;
}
