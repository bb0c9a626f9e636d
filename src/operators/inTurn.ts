import { Observable, type OperatorFunction, of, type Subscription, takeWhile } from 'rxjs';
import type { BufferPolicy, Credit } from '../core/backpressure.js';
import { Scope } from '../core/scope.js';

/** An item with the scope that its resources belong to. */
export interface InScope<T> {
  item: T;
  /** Number of the item in the stream, from 0. */
  index: number;
  scope: Scope;
}

export interface InTurnOptions {
  /** Items that may wait or be worked on at once; the source of the same credit pulls by it. */
  credit: Credit;
  /** What a full buffer does with the next item; `suspend` relies on a pulled source. */
  policy?: BufferPolicy;
  /** Counts items that the policy dropped. */
  onDrop?: () => void;
}

/**
 * Leads one item at a time through `stages`: the next one enters when they have completed for the one before. This is where
 * items wait, so this is where credit is taken and given back. Each item gets a {@link Scope} that ends with it: by completion, error or
 * unsubscription.
 *
 *     in       a b c -------|
 *     stages   (---r|)              three time units an item
 *     out      ---r---r---r|
 */
export function inTurn<T, R>(
  options: InTurnOptions,
  stages: OperatorFunction<InScope<T>, R>,
): OperatorFunction<T, R> {
  const { credit, policy = 'suspend', onDrop } = options;
  return (source) =>
    new Observable((subscriber) => {
      const waiting: T[] = [];
      let current: Subscription | undefined;
      let sourceDone = false;
      let index = 0;

      const work = (item: T) => {
        const scope = new Scope();
        let completed = false;
        const inner = of({ item, index: index++, scope })
          .pipe(stages)
          .subscribe({
            next: (result) => subscriber.next(result),
            error: (error) => subscriber.error(error),
            complete: () => {
              completed = true;
            },
          });
        current = inner;
        inner.add(() => {
          scope.close();
          current = undefined;
          credit.give();
          if (completed) advance();
        });
        if (subscriber.closed) inner.unsubscribe();
      };

      // A loop, not recursion: stages that complete synchronously must not grow the stack.
      let advancing = false;
      const advance = () => {
        if (advancing) return;
        advancing = true;
        while (!current && waiting.length > 0 && !subscriber.closed) work(waiting.shift() as T);
        advancing = false;
        if (!current && waiting.length === 0 && sourceDone) subscriber.complete();
      };

      const accept = (item: T) => {
        if (credit.free > 0 || policy === 'suspend') {
          credit.take();
          waiting.push(item);
          advance();
          return;
        }
        credit.drop();
        onDrop?.();
        if (policy === 'sliding' && waiting.length > 0) {
          waiting.shift();
          waiting.push(item);
        }
      };

      subscriber.add(() => {
        current?.unsubscribe();
        for (const _ of waiting.splice(0)) credit.give();
      });
      // takeWhile: a synchronous source has to stop when the consumer has left.
      const subscription = source.pipe(takeWhile(() => !subscriber.closed)).subscribe({
        next: accept,
        error: (error) => subscriber.error(error),
        complete: () => {
          sourceDone = true;
          advance();
        },
      });
      subscriber.add(subscription);
    });
}
