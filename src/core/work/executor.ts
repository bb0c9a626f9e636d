import { exitCode, failure, RxnasError } from '../errors.js';

/**
 * Where independent units of work are carried out: in this process, in others of this machine, or by workers anywhere (`Executors`). A unit is
 * plain data and says all that decides its result, so that where, when and how often it is done does not matter.
 */
export interface Executor<Work, Result> {
  /** Units that are worked on at once; others wait. */
  readonly slots: number;
  /** Carries out one unit. Rejects with the work's own error, with {@link GivenUp}, or with exit code 1 where the executor was closed. */
  run(work: Work): Promise<Result>;
  /** Ends everything at once: what waits or is under way rejects. Resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

/** A unit was begun again and again, and whatever worked on it died. Other units may be fine. */
export class GivenUp extends RxnasError {
  constructor(
    what: string,
    readonly attempts: number,
    readonly reason: string,
  ) {
    super(
      `${what} was given up after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}: ${reason}`,
      'with little memory use fewer workers; `rxnas doctor` says whether tfjs-node works here',
      exitCode.failure,
    );
  }
}

/** What work is rejected with whose executor was closed. */
export const closedError = () =>
  failure('the work was stopped', 'do it again: what was finished before is kept');
