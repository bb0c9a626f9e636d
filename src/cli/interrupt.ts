import { Observable, share } from 'rxjs';
import { exitCode } from '../core/errors.js';

/**
 * Emits at the first Ctrl-C or SIGTERM, while subscribed: commands stop at the next safe point, and exit with 130. A second
 * signal ends the process at once.
 */
export const interrupted$: Observable<NodeJS.Signals> = new Observable<NodeJS.Signals>((subscriber) => {
  let count = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (++count > 1) process.exit(exitCode.interrupted);
    process.stderr.write('\nstopping at the next safe point; once more to stop at once\n');
    subscriber.next(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}).pipe(share());
