import {
  createMemory,
  instantiate,
  type KernelExports,
  loadModule,
} from '../../../../src/core/engine/simd/module.js';
import { stream } from '../../../../src/core/random/random.js';

/** Cells side by side. */
export const LANES = 8;

/** The module's kernels on a memory of their own, with arrays put into it one after the other. */
export async function kernelBench() {
  const memory = createMemory();
  const kernels = instantiate(await loadModule(), memory) as unknown as KernelExports &
    Record<string, (...args: number[]) => number>;
  memory.grow(16);
  const random = stream(1, 'kernels');
  let top = Math.ceil(kernels.heapBase() / 64) * 64;
  const take = (count: number) => {
    const address = top;
    top += Math.ceil((4 * count) / 64) * 64;
    return address;
  };
  return {
    kernels,
    memory,
    /** A view of new floats in the memory; its address is `byteOffset`. */
    floats(values: number | ArrayLike<number>): Float32Array {
      const count = typeof values === 'number' ? values : values.length;
      const view = new Float32Array(memory.buffer, take(count), count);
      if (typeof values === 'number') view.fill(0);
      else view.set(values);
      return view;
    },
    ints(values: ArrayLike<number>): Int32Array {
      const view = new Int32Array(memory.buffer, take(values.length), values.length);
      view.set(values);
      return view;
    },
    /** Standard normal. */
    normal: (count: number) => Float32Array.from({ length: count }, () => random.normal()),
    /** In [0, n). */
    tokens: (count: number, n: number) => Array.from({ length: count }, () => random.int(n)),
  };
}

export type KernelBench = Awaited<ReturnType<typeof kernelBench>>;

/** Largest difference, as a share of the largest expected value (or of 1e-30, where all are 0). */
export function difference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 1e-30;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    const off = Math.abs(found[i]! - expected[i]!);
    if (!(off <= worst)) worst = off;
  }
  return worst / largest;
}
