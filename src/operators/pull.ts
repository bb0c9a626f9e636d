import { Observable } from 'rxjs';
import type { Credit } from '../core/backpressure.js';

/**
 * A source that is pulled: takes the next item from `items` only while `credit` is free, and goes on when credit
 * returns. Unsubscribing closes the iterator.
 *
 *     items    a b c d          capacity 2
 *     out      ab---c---d|
 *     credit   ----↑---↑---     (↑ one item was used)
 */
export function pull<T>(items: Iterable<T>, credit: Credit): Observable<T> {
  return new Observable((subscriber) => {
    const iterator = items[Symbol.iterator]();
    let pumping = false;
    const pump = () => {
      if (pumping) return; // credit that returns synchronously is seen by the running loop
      pumping = true;
      try {
        while (!subscriber.closed && credit.free > 0) {
          const began = performance.now();
          const next = iterator.next();
          credit.produced += performance.now() - began;
          if (next.done) subscriber.complete();
          else subscriber.next(next.value);
        }
      } catch (error) {
        subscriber.error(error);
      } finally {
        pumping = false;
      }
    };
    subscriber.add(credit.onFree(pump));
    subscriber.add(() => iterator.return?.());
    pump();
  });
}
