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
  #returned = 0;
  #peak = 0;
  #fullSince = 0;
  #waited = 0;
  #dropped = 0;
  /** Milliseconds that its source spent making items. */
  produced = 0;
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

  /** Items given back since the beginning; with those that are held, all that were ever taken. */
  get returned(): number {
    return this.#returned;
  }

  /** Most items that were ever held at once. */
  get peak(): number {
    return this.#peak;
  }

  /** Milliseconds for which no credit was free. */
  get waited(): number {
    return this.#waited;
  }

  /** Items that a full buffer has dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  take(): void {
    this.#held++;
    if (this.#held > this.#peak) this.#peak = this.#held;
    if (this.#held === this.capacity) this.#fullSince = performance.now();
  }

  /** Count an item that was dropped instead of taken. */
  drop(): void {
    this.#dropped++;
  }

  /** Return one credit; the source goes on at once. */
  give(): void {
    if (this.#held === this.capacity) this.#waited += performance.now() - this.#fullSince;
    this.#held--;
    this.#returned++;
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
