import { type KernelArray, kernels } from '../kernels/kernels.js';

/**
 * Named arrays in the kernels' memory that grow and are kept: no allocation in a steady state. Contents are what was left there. Each is at
 * least as long as asked for.
 */
export class Arena {
  readonly #arrays = new Map<string, KernelArray>();

  float64(name: string, length: number): Float64Array {
    return this.#get(name, Float64Array, length);
  }

  int32(name: string, length: number): Int32Array {
    return this.#get(name, Int32Array, length);
  }

  uint16(name: string, length: number): Uint16Array {
    return this.#get(name, Uint16Array, length);
  }

  /** A matrix [rows, columns], with what kernels need behind it. */
  matrix(name: string, rows: number, columns: number): Float64Array {
    return this.#get(name, Float64Array, rows * columns, columns);
  }

  #get<A extends KernelArray>(
    name: string,
    type: { new (buffer: ArrayBufferLike, address: number, length: number): A; BYTES_PER_ELEMENT: number },
    length: number,
    width = 1,
  ): A {
    let array = this.#arrays.get(name) as A | undefined;
    if (!array || array.length < length) {
      array = kernels().array(type, length, width);
      this.#arrays.set(name, array);
    }
    return array;
  }
}
