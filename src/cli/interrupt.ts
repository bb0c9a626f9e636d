import { Observable, ReplaySubject, share } from 'rxjs';
import { exitCode } from '../core/errors.js';

/**
 * Emits at the first Ctrl-C or SIGTERM, while subscribed: commands stop at the next safe point, and exit with 130. A second
 * signal ends the process at once. Who subscribes after the signal (while an engine was opened, say) is told at once.
 */
export const interrupted$: Observable<NodeJS.Signals> = new Observable<NodeJS.Signals>((subscriber) => {
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    // npm hands a Ctrl-C of the terminal on: what comes right after the first one is the same key press.
    if (first !== undefined && performance.now() - first < 300) return;
    if (first !== undefined) process.exit(exitCode.interrupted);
    first = performance.now();
    process.stderr.write('\nstopping at the next safe point; once more to stop at once\n');
    subscriber.next(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}).pipe(share({ connector: () => new ReplaySubject(1) }));

/**
 * Does `work` with {@link interrupted$} listened to from its beginning to the end of the process: a signal that comes after the
 * work must not turn what was done into a failure.
 */
export function interruptible<T>(work: () => Promise<T>): Promise<T> {
  interrupted$.subscribe();
  return work();
}
