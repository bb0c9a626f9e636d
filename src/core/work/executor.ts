/**
 * Where independent units of work are carried out: in processes of this machine ({@link ProcessExecutor}), or anywhere else. A unit is plain
 * data and says all that decides its result, so that where, when and how often it is done does not matter.
 */
export interface Executor<Work, Result> {
  /** Units that are worked on at once; others wait. */
  readonly slots: number;
  /** Carries out one unit. Rejects with the work's own error, or with exit code 1 where it was given up or the executor was closed. */
  run(work: Work): Promise<Result>;
  /** Ends everything at once: what waits or is under way rejects. Resolves when nothing of it runs any more. */
  close(): Promise<void>;
}
