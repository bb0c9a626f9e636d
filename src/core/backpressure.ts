/**
 * What a full buffer does with the next item. `suspend`: the source waits (sources that are pulled); `dropping`: the new
 * item is dropped; `sliding`: the oldest waiting item is dropped (sources that cannot wait).
 */
export type BufferPolicy = 'suspend' | 'dropping' | 'sliding';

/**
 * The credit between a pulled source and the stage where items wait. RxJS only pushes; a source that asks for
 * {@link free} before it gives out the next item turns that into pull: never more than `capacity` items are held between the two.
 */
export class Credit {
  #held = 0;
  #peak = 0;
  #wake: (() => void) | undefined;

  /** @param capacity items that may be held at once, ≥ 1 */
  constructor(readonly capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity must be ≥ 1, got ${capacity}`);
  }

  /** Items that may still be given out. */
  get free(): number {
    return this.capacity - this.#held;
  }

  /** Most items that were ever held at once. */
  get peak(): number {
    return this.#peak;
  }

  take(): void {
    this.#held++;
    if (this.#held > this.#peak) this.#peak = this.#held;
  }

  /** Return one credit; the source goes on at once. */
  give(): void {
    this.#held--;
    this.#wake?.();
  }

  /** The one source that waits for credit. Returns the function that takes it off again. */
  onFree(wake: () => void): () => void {
    this.#wake = wake;
    return () => {
      if (this.#wake === wake) this.#wake = undefined;
    };
  }
}
