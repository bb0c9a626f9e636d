import { Observable, type OperatorFunction } from 'rxjs';

/**
 * Works on `width` values at once and gives what comes of them in the order of the values, however long each takes. A result
 * that waits for those before it keeps its place among the `width`.
 *
 *     values   a b c |
 *     work     a---, b-, c-
 *     out      ----a b-c|          width 2
 */
export const inOrder =
  <T, R>(width: number, work: (value: T) => Promise<R>): OperatorFunction<T, R> =>
  (values) =>
    new Observable((subscriber) => {
      const waiting: T[] = [];
      const places: { result?: R; done: boolean }[] = [];
      let complete = false;

      const go = () => {
        while (places[0]?.done && !subscriber.closed) subscriber.next(places.shift()!.result!);
        while (waiting.length > 0 && places.length < width && !subscriber.closed) begin(waiting.shift()!);
        if (complete && places.length === 0 && waiting.length === 0) subscriber.complete();
      };
      const begin = (value: T) => {
        const place: (typeof places)[number] = { done: false };
        places.push(place);
        work(value).then(
          (result) => {
            Object.assign(place, { result, done: true });
            go();
          },
          (error) => subscriber.error(error),
        );
      };
      subscriber.add(
        values.subscribe({
          next: (value) => {
            waiting.push(value);
            go();
          },
          error: (error) => subscriber.error(error),
          complete: () => {
            complete = true;
            go();
          },
        }),
      );
    });
