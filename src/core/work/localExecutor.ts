import { RxnasError } from '../errors.js';
import { closedError, type Executor, GivenUp } from './executor.js';
import type { AnyMessages } from './kind.js';

export interface LocalExecutorOptions<Work> {
  attempts: number;
  onCrash?: (reason: string, work: Work, failures: number) => void;
}

/** Carries out work in this process, one unit at a time. What kills the process kills all. */
export class LocalExecutor<Work, Result> implements Executor<Work, Result> {
  readonly slots = 1;
  readonly #kind: AnyMessages<Work, Result>;
  readonly #options: LocalExecutorOptions<Work>;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  #end!: (error: Error) => void;
  readonly #ended = new Promise<never>((_, reject) => {
    this.#end = reject;
  });

  constructor(kind: AnyMessages<Work, Result>, options: LocalExecutorOptions<Work>) {
    this.#kind = kind;
    this.#options = options;
    this.#ended.catch(() => {}); // nobody may be waiting
  }

  run(work: Work): Promise<Result> {
    const result = this.#last.then(() => this.#carryOut(work));
    this.#last = result.catch(() => {});
    return Promise.race([result, this.#ended]);
  }

  /** What is under way cannot be ended, only waited for. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#end(closedError());
    await this.#last;
  }

  async #carryOut(work: Work): Promise<Result> {
    const { attempts, onCrash } = this.#options;
    for (let failures = 1; ; failures++) {
      if (this.#closed) throw closedError();
      try {
        return await (await this.#kind.load())(work);
      } catch (error) {
        if (error instanceof RxnasError) throw error;
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
        onCrash?.(reason, work, failures);
        if (failures >= attempts) throw new GivenUp(this.#kind.describe(work), failures, reason);
      }
    }
  }
}
