import { Arena } from '../wasm/arena.js';
import { controlBytes } from '../wasm/shards.js';
import { Crew } from './crew.js';
import { fractions } from './exp.js';
import { instantiate, type KernelExports, loadModule } from './module.js';
import { type Call, type KernelArray, runShard, scratchBytes, taskNumbers, writeTask } from './task.js';

export type { Call, KernelArray } from './task.js';

type ArrayType<A extends KernelArray> = {
  new (buffer: ArrayBufferLike, address: number, length: number): A;
  readonly BYTES_PER_ELEMENT: number;
};

/** Below this many rows other threads would come too late. */
const fewestRows = 128;

/** This thread's instance of the kernels, the memory that they compute in, and the threads that help. */
export class Kernels {
  readonly exports: KernelExports;
  readonly crew: Crew;
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  readonly #arena: Arena;
  readonly #task: Float64Array;
  readonly #collected = new FinalizationRegistry<number>((address) => this.#arena.release(address));
  #scratch: Float64Array;

  constructor(module: WebAssembly.Module) {
    const memory = this.#memory;
    this.exports = instantiate(module, memory);
    this.#arena = new Arena(memory, this.exports.heapBase());
    const control = this.#arena.allocate(controlBytes);
    new Uint8Array(memory.buffer, control, controlBytes).fill(0);
    const table = this.#arena.allocate(fractions.byteLength);
    new Float64Array(memory.buffer, table, fractions.length).set(fractions);
    this.exports.setFractions(table);
    this.#task = this.array(Float64Array, taskNumbers);
    this.#scratch = this.array(Float64Array, 0);
    const addresses = { control, task: this.#task.byteOffset, fractions: table };
    this.crew = new Crew({ module, memory, ...addresses }, (_, shard) =>
      runShard(this.exports, this.#task, shard, 0),
    );
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

  /**
   * Calls kernels one after the other for all rows of a matrix [rows, rows]. A call may read of what those before it made no rows but its
   * own: rows are dealt out to threads.
   */
  run(rows: number, ...calls: Call[]): void {
    const { threads } = this.crew;
    const numbers = (threads * scratchBytes(rows)) / 8;
    if (this.#scratch.length < numbers) this.#scratch = this.array(Float64Array, numbers);
    const shards = writeTask(this.#task, rows, this.#scratch.byteOffset, calls);
    if (threads > 1 && rows >= fewestRows) this.crew.run(shards);
    else for (let shard = 0; shard < shards; shard++) runShard(this.exports, this.#task, shard, 0);
  }
}

let loaded: Kernels | undefined;

/** This thread's kernels. Exit code 1 where they cannot be loaded. */
export function kernels(): Kernels {
  loaded ??= new Kernels(loadModule());
  return loaded;
}
