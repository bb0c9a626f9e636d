import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failure } from '../errors.js';
import { Arena } from '../wasm/arena.js';
import { besideModule } from '../workers.js';
import { fractions } from './exp.js';

/** Kernels that fill rows of something (assembly/index.ts). */
export type RowKernel =
  | 'dotRows'
  | 'squareRows'
  | 'euclideanRows'
  | 'directedRows'
  | 'gradientRows'
  | 'spanRows'
  | 'angularRows'
  | 'countWords'
  | 'countSpans'
  | 'hingeRows'
  | 'softMaximumRows'
  | 'tripletHingeRows';

type Exports = Record<RowKernel, (...args: number[]) => void> & {
  heapBase(): number;
  setFractions(address: number): void;
  expAll(out: number, x: number, n: number): void;
};

/** An array in the kernels' memory. */
export type KernelArray = Float64Array | Int32Array | Uint16Array;

/** A kernel and its arguments but the last three; of an array its address is passed. */
export type Call = readonly [kernel: RowKernel, ...args: (number | KernelArray)[]];

type ArrayType<A extends KernelArray> = {
  new (buffer: ArrayBufferLike, address: number, length: number): A;
  readonly BYTES_PER_ELEMENT: number;
};

/** Rows that a kernel is called with at a time: a multiple of 8, as the kernels want it, that leaves the caches room. */
const rowsAtOnce = 32;

/** Bytes of scratch that kernels use for a matrix of so many rows. */
const scratchBytes = (rows: number) => 72 * rows + 256;

/** This thread's instance of the kernels, and the memory that they compute in. */
export class Kernels {
  readonly exports: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #arena: Arena;
  readonly #collected = new FinalizationRegistry<number>((address) => this.#arena.release(address));
  #scratch: Float64Array;

  constructor(module: WebAssembly.Module) {
    this.#memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const env = {
      memory: this.#memory,
      abort: () => {
        throw new Error('a kernel aborted');
      },
    };
    this.exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
    this.#arena = new Arena(this.#memory, this.exports.heapBase());
    const table = this.#arena.allocate(fractions.byteLength);
    new Float64Array(this.#memory.buffer, table, fractions.length).set(fractions);
    this.exports.setFractions(table);
    this.#scratch = this.array(Float64Array, 0);
  }

  /**
   * A new array, zeroed, and room behind it for what kernels read and write beyond the end of a matrix: seven rows of `width`. The memory
   * is given back when the array itself is collected: a subarray does not hold it.
   */
  array<A extends KernelArray>(type: ArrayType<A>, length: number, width = 1): A {
    const address = this.#arena.allocate((length + 7 * width) * type.BYTES_PER_ELEMENT + 256);
    const array = new type(this.#memory.buffer, address, length);
    array.fill(0);
    this.#collected.register(array, address);
    return array;
  }

  /** Calls kernels one after the other for all rows of a matrix [rows, rows]; what they write of a row must depend on that row's calls alone. */
  run(rows: number, ...calls: Call[]): void {
    const bytes = scratchBytes(rows);
    if (this.#scratch.byteLength < bytes) this.#scratch = this.array(Float64Array, bytes / 8);
    const scratch = this.#scratch.byteOffset;
    const bound = calls.map(([kernel, ...args]) => {
      const numbers = args.map((arg) => (typeof arg === 'number' ? arg : addressOf(arg)));
      return (from: number, to: number) => this.exports[kernel](...numbers, from, to, scratch);
    });
    for (let from = 0; from < rows; from += rowsAtOnce) {
      const to = Math.min(rows, from + rowsAtOnce);
      for (const call of bound) call(from, to);
    }
  }
}

function addressOf({ buffer, byteOffset }: KernelArray): number {
  if (!(buffer instanceof SharedArrayBuffer))
    throw new TypeError('an array outside the memory of the kernels');
  return byteOffset;
}

let loaded: Kernels | undefined;

/** This thread's kernels. Exit code 1 where the module was not built, or this runtime cannot compile it. */
export function kernels(): Kernels {
  loaded ??= new Kernels(loadModule());
  return loaded;
}

function loadModule(): WebAssembly.Module {
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
