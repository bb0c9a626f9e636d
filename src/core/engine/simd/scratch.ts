import type { Runtime } from './runtime.js';

/** Regions of one method call. */
export class Scratch {
  readonly #runtime: Runtime;
  readonly #regions: number[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Address of a copy of the values, or of room for that many. */
  floats(values: Float32Array | Float64Array | number): number {
    const address = this.#allocate(typeof values === 'number' ? values : values.length);
    if (typeof values !== 'number') {
      new Float32Array(this.#runtime.memory.buffer, address, values.length).set(values);
    }
    return address;
  }

  ints(values: Int32Array): number {
    const address = this.#allocate(values.length);
    new Int32Array(this.#runtime.memory.buffer, address, values.length).set(values);
    return address;
  }

  release(): void {
    for (const region of this.#regions) this.#runtime.arena.release(region);
  }

  #allocate(words: number): number {
    const address = this.#runtime.arena.allocate(4 * words);
    this.#regions.push(address);
    return address;
  }
}
