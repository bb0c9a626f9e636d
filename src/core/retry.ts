import { failure, RxnasError } from './errors.js';

export interface RetryOptions {
  /** Attempts after the first one that failed. */
  retries: number;
  /** Milliseconds before the first of them; doubled for each further one, 10 s at most. */
  backoff: number;
  /** What is attempted, for the message. */
  what: string;
  /** Ends the waiting. */
  signal?: AbortSignal;
}

const longestBackoff = 10_000;

/**
 * The result of `attempt`, which is made again where it fails for a passing reason. A {@link RxnasError} is none: it says what the
 * user is to put right, and is thrown at once. After the last attempt: exit code 1, with the last error as cause.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { retries, backoff, what, signal }: RetryOptions,
): Promise<T> {
  for (let failed = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof RxnasError || signal?.aborted) throw error;
      if (++failed > retries) {
        const { message } = error as Error;
        const times = failed === 1 ? 'once' : `${failed} times`;
        throw failure(`${what} failed ${times}: ${message}`, 'nothing is lost: see to it, and resume', {
          cause: error,
        });
      }
      await pause(Math.min(backoff * 2 ** (failed - 1), longestBackoff), signal);
      if (signal?.aborted) throw error;
    }
  }
}

const pause = (milliseconds: number, signal?: AbortSignal) =>
  new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end);
  });
