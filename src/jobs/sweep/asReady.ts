import { Observable } from 'rxjs';

/** Something to do, perhaps after something else. */
export interface Ordered<T> {
  /** Has to be over before, where it is one of the tasks. */
  readonly after?: T;
}

/**
 * Works on `width` tasks at once: whenever there is room, on the first one that has nothing left to wait for. Gives each result as it comes.
 *
 *     tasks   a, b after a, c      width 2
 *     work    a---, b--, c------
 *     out     ----a-(bc)|
 */
export const asReady = <T extends Ordered<unknown>, R>(
  width: number,
  tasks: readonly T[],
  work: (task: T) => Promise<R>,
): Observable<R> =>
  new Observable((subscriber) => {
    const waiting = [...tasks];
    const pending = new Set<unknown>(tasks);
    let running = 0;

    const go = () => {
      while (running < width && !subscriber.closed) {
        const next = waiting.findIndex(({ after }) => !pending.has(after));
        if (next < 0) break;
        begin(waiting.splice(next, 1)[0]!);
      }
      if (running === 0) subscriber.complete();
    };
    const begin = (task: T) => {
      running++;
      work(task).then(
        (result) => {
          running--;
          pending.delete(task);
          subscriber.next(result);
          go();
        },
        (error) => subscriber.error(error),
      );
    };
    go();
  });
