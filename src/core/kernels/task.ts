import { maxShards } from '../wasm/shards.js';

/** Kernels that fill rows of something (assembly/index.ts). */
const rowKernels = [
  'dotRows',
  'squareRows',
  'euclideanRows',
  'directedRows',
  'gradientRows',
  'spanRows',
  'angularRows',
  'countWords',
  'countSpans',
  'hingeRows',
  'softMaximumRows',
  'tripletHingeRows',
] as const;
export type RowKernel = (typeof rowKernels)[number];
export type RowKernels = Record<RowKernel, (...args: number[]) => void>;

/** An array in the kernels' memory. */
export type KernelArray = Float64Array | Int32Array | Uint16Array;

/** A kernel and its arguments but the last three; of an array its address is passed. */
export type Call = readonly [kernel: RowKernel, ...args: (number | KernelArray)[]];

/**
 * A task is numbers in the memory that all threads see: rows, rows of a shard, address and bytes of the threads' scratch, number of
 * calls; then of each call its kernel, how many arguments it has, and these.
 */
const headerNumbers = 5;
export const taskNumbers = 256;

/** Rows that a kernel is called with at a time: a multiple of 8, as the kernels want it, that leaves the caches room. */
const rowsAtOnce = 32;

/** Bytes of scratch that a thread's kernels use for a matrix of so many rows. */
export const scratchBytes = (rows: number) => 72 * rows + 256;

/** Writes a task down; returns its number of shards. A matter of the rows alone: any number of threads computes the same. */
export function writeTask(task: Float64Array, rows: number, scratch: number, calls: readonly Call[]): number {
  const height = Math.max(1, Math.ceil(rows / maxShards / 8)) * 8;
  let at = headerNumbers;
  for (const [kernel, ...args] of calls) {
    task[at++] = rowKernels.indexOf(kernel);
    task[at++] = args.length;
    for (const arg of args) task[at++] = typeof arg === 'number' ? arg : addressOf(arg);
  }
  if (at > task.length) throw new RangeError('a task of too many calls');
  task.set([rows, height, scratch, scratchBytes(rows), calls.length]);
  return Math.ceil(rows / height);
}

function addressOf({ buffer, byteOffset }: KernelArray): number {
  if (!(buffer instanceof SharedArrayBuffer))
    throw new TypeError('an array outside the memory of the kernels');
  return byteOffset;
}

/** Does a shard of a task on thread number `thread`: calls the kernels one after the other for some of its rows, then for the next. */
export function runShard(kernels: RowKernels, task: Float64Array, shard: number, thread: number): void {
  const [rows, height, scratch, bytes, calls] = task as unknown as [number, number, number, number, number];
  const end = Math.min(rows, (shard + 1) * height);
  for (let from = shard * height; from < end; from += rowsAtOnce) {
    const to = Math.min(end, from + rowsAtOnce);
    for (let call = 0, at = headerNumbers; call < calls; call++) {
      const args = at + 2;
      const after = args + task[at + 1]!;
      kernels[rowKernels[task[at]!]!](...task.subarray(args, after), from, to, scratch + thread * bytes);
      at = after;
    }
  }
}
