import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { failure } from '../../errors.js';
import { besideModule } from '../../workers.js';

/** What the engine calls of the compiled module (assembly/index.ts); addresses are bytes in its memory. */
export interface KernelExports {
  heapBase(): number;
  configure(vocabulary: number, length: number, dim: number, predictor: number): void;
  sizeOfParameters(): number;
  sizeOfPacked(): number;
  sizeOfSums(): number;
  sizeOfActivations(): number;
  sizeOfWorkspace(): number;
  packController(packed: number, parameters: number): void;
  runShard(task: number, shard: number, thread: number): void;
  addShards(sums: number, shards: number): void;
  gradients(out: number, sums: number, parameters: number): void;
  gradientNorm(gradient: number): number;
  descend(parameters: number, gradient: number, rate: number): void;
}

/** The compiled module, from beside this file. Exit code 1 where it was not built or WebAssembly SIMD is missing. */
export async function loadModule(): Promise<WebAssembly.Module> {
  const bytes = await readModule('controller.wasm');
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw failure(
      `this runtime cannot compile the simd engine's module: ${(cause as Error).message}`,
      'it needs WebAssembly with SIMD and threads: Node 20 or later, without --jitless',
      { cause },
    );
  }
}

/** The same kernels with fused multiply-adds. Exit code 1 where the runtime has no relaxed SIMD, as Node 20 without its flag. */
export async function loadRelaxedModule(): Promise<WebAssembly.Module> {
  const bytes = await readModule('controller-relaxed.wasm');
  if (WebAssembly.validate(bytes)) return WebAssembly.compile(bytes);
  throw failure(
    `Node ${process.versions.node} has no relaxed SIMD, which the simd-relaxed engine needs`,
    'use Node 22 or later, or Node 20 as `node --experimental-wasm-relaxed-simd`, or the engine simd',
  );
}

async function readModule(name: string): Promise<Buffer<ArrayBuffer>> {
  const file = fileURLToPath(besideModule(import.meta.url, name));
  try {
    return Buffer.from(await readFile(file));
  } catch (cause) {
    throw failure(`the simd engine's module ${file} cannot be read`, 'run: npm run build', { cause });
  }
}

/** A memory for {@link instantiate}: shared, so that every thread's instance computes on the same bytes. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
}

/** A thread's own instance on the common memory. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const env = {
    memory,
    abort: () => {
      throw new Error('the simd module aborted');
    },
  };
  return new WebAssembly.Instance(module, { env }).exports as unknown as KernelExports;
}
