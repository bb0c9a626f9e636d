import { type ExitCode, RxnasError } from '../errors.js';

/**
 * A worker's answer to one unit. `error`: it can not be done, here or elsewhere, and the user can act upon it; `crash`: something that
 * should not happen did.
 */
export type Reply<Result> =
  | { result: Result }
  | { error: { message: string; hint: string; exitCode: ExitCode } }
  | { crash: string };

/**
 * Makes this process a worker of the one that forked it (a `ProcessExecutor`): carries out what is sent, one unit at a time, and ends
 * with its parent. `handle` has to let the event loop run from time to time, so that it hears of that.
 */
export function serve<Work, Result>(handle: (work: Work) => Promise<Result>): void {
  const leave = () => process.exit();
  process.on('disconnect', leave);
  if (!process.connected) leave();
  // Ctrl-C reaches the whole process group; the parent decides what happens.
  process.on('SIGINT', () => {});
  process.on('message', async (work: Work) => {
    const reply = await handle(work).then((result): Reply<Result> => ({ result }), describe);
    process.send?.(reply, () => {}); // a parent that has gone ends this process anyway
  });
}

function describe(error: unknown): Exclude<Reply<never>, { result: never }> {
  if (error instanceof RxnasError) {
    const { message, hint, exitCode } = error;
    return { error: { message, hint, exitCode } };
  }
  return { crash: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
