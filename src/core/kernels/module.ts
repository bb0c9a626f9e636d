import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failure } from '../errors.js';
import { besideModule } from '../workers.js';
import type { RowKernels } from './task.js';

/** What the compiled module exports (assembly/index.ts). */
export type KernelExports = RowKernels & {
  heapBase(): number;
  setFractions(address: number): void;
  expAll(out: number, x: number, n: number): void;
};

/** The compiled module. Exit code 1 where it was not built, or this runtime cannot compile it. */
export function loadModule(): WebAssembly.Module {
  const file = fileURLToPath(besideModule(import.meta.url, 'kernels.wasm'));
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch (cause) {
    throw failure(
      `the module of miners and losses, ${file}, cannot be loaded: ${(cause as Error).message}`,
      'run: npm run build; it needs WebAssembly with SIMD and threads: Node 20 or later, without --jitless',
      { cause },
    );
  }
}

/** A thread's own instance on the common memory. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const env = {
    memory,
    abort: () => {
      throw new Error('a kernel aborted');
    },
  };
  return new WebAssembly.Instance(module, { env }).exports as unknown as KernelExports;
}
