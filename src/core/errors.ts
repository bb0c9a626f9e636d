/** The documented exit codes of the `rxnas` command. */
export const exitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  dataMissing: 3,
  diverged: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/**
 * An error that a user can act upon: what is wrong, where, and what to do. The command line prints it in two lines and
 * exits with `exitCode`; anything else that is thrown is our own bug and keeps its stack trace.
 */
export class RxnasError extends Error {
  override readonly name = 'RxnasError';

  constructor(
    /** What is wrong, naming the value and the place (flag, file:line:column, step). */
    message: string,
    /** What to do about it. */
    readonly hint: string,
    readonly exitCode: ExitCode = 1,
    options?: ErrorOptions,
  ) {
    super(withoutSecrets(message), options);
  }
}

/** A text without what stands between `://` and `@` in its addresses: messages go to terminals, logs and manifests. */
export const withoutSecrets = (text: string): string => text.replace(/(:\/\/)[^@\s"'`]*@/g, '$1');

/** Wrong flag, parameter or spec: exit code 2. */
export const usageError = (message: string, hint: string, options?: ErrorOptions) =>
  new RxnasError(message, hint, exitCode.usage, options);

/** A file, table or checkpoint that is missing, cut or foreign: exit code 3. */
export const dataError = (message: string, hint: string, options?: ErrorOptions) =>
  new RxnasError(message, hint, exitCode.dataMissing, options);

/** Everything else that a user can act upon (disk full, NaN in training): exit code 1. */
export const failure = (message: string, hint: string, options?: ErrorOptions) =>
  new RxnasError(message, hint, exitCode.failure, options);
