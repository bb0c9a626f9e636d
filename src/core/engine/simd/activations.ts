import type { Activations } from '../engine.js';

/** A region with the activations of every chunk (assembly/layout.ts), kept from `encode` for the backward pass. */
export class SimdActivations implements Activations {
  #disposed = false;

  constructor(
    /** Whose they are. */
    readonly controller: object,
    /** Of the controller's weights. */
    readonly version: number,
    readonly rows: number,
    readonly embeddings: Float32Array,
    readonly region: number,
    private readonly release: () => void,
  ) {}

  get disposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.release();
  }
}
