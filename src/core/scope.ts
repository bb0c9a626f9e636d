/**
 * The lifetime of one batch on its way through the stages that use engine resources. Cleanups run once, when the
 * scope is closed and nothing that was started inside it is still under way.
 */
export class Scope {
  readonly #cleanups: (() => void)[] = [];
  #pending = 0;
  #closed = false;

  /** Run `cleanup` when the scope ends. */
  onClose(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
    this.#settle();
  }

  /** Keep the scope's resources alive until `work` has settled, even when the scope is closed before. */
  async hold<T>(work: Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await work;
    } finally {
      this.#pending--;
      this.#settle();
    }
  }

  close(): void {
    this.#closed = true;
    this.#settle();
  }

  get closed(): boolean {
    return this.#closed;
  }

  #settle(): void {
    if (!this.#closed || this.#pending > 0) return;
    for (const cleanup of this.#cleanups.splice(0).reverse()) cleanup();
  }
}
