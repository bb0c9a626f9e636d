import {
  concat,
  EMPTY,
  lastValueFrom,
  NEVER,
  Observable,
  type OperatorFunction,
  of,
  throwError,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';

export interface OperatorCase<T, R> {
  /** A fresh operator; called once a test. */
  create: () => OperatorFunction<T, R>;
  /** At least three items that the operator takes. */
  items: () => T[];
  /** Outputs that `items` give; default: as many as items. */
  outputs?: number;
  /** Checked after every test: resources that must be back where they were. */
  atRest?: () => void;
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

/**
 * What every operator must do, whatever it computes: the cases of rxjs's own operators. Operators of other packages can be put
 * through it as well.
 */
export function operatorConformance<T, R>(
  name: string,
  { create, items, outputs, atRest }: OperatorCase<T, R>,
) {
  describe(`${name} conforms`, () => {
    const expected = () => outputs ?? items().length;
    const settle = async () => {
      await tick();
      atRest?.();
    };

    it('never: emits nothing and does not end', async () => {
      const seen: unknown[] = [];
      const subscription = (NEVER as Observable<T>).pipe(create()).subscribe({
        next: (value) => seen.push(value),
        error: (error) => seen.push(error),
        complete: () => seen.push('complete'),
      });
      await tick();
      expect(seen).toEqual([]);
      subscription.unsubscribe();
      await settle();
    });

    it('empty: completes without a value', async () => {
      expect(await lastValueFrom((EMPTY as Observable<T>).pipe(create(), toArray()))).toEqual([]);
      await settle();
    });

    it('many: gives every output, then completes', async () => {
      const results = await lastValueFrom(of(...items()).pipe(create(), toArray()));
      expect(results).toHaveLength(expected());
      await settle();
    });

    it('one: takes a single item', async () => {
      await lastValueFrom(of(items()[0]!).pipe(create(), toArray()));
      await settle();
    });

    it('error: passes the error of the source on', async () => {
      const boom = new Error('boom');
      const source = concat(
        of(items()[0]!),
        throwError(() => boom),
      );
      await expect(lastValueFrom(source.pipe(create(), toArray()))).rejects.toBe(boom);
      await settle();
    });

    it('early unsubscribe: tears the source down, once, and emits nothing more', async () => {
      let teardowns = 0;
      let emitted = 0;
      const source = new Observable<T>((subscriber) => {
        for (const item of items()) subscriber.next(item);
        return () => teardowns++;
      });
      const subscription = source.pipe(create()).subscribe(() => emitted++);
      subscription.unsubscribe();
      const before = emitted;
      await tick();
      expect(teardowns).toBe(1);
      expect(emitted).toBe(before);
      await settle();
    });

    it('unsubscribe at the first output', async () => {
      let teardowns = 0;
      let emitted = 0;
      await new Promise<void>((resolve, reject) => {
        const source = new Observable<T>((subscriber) => {
          for (const item of items()) subscriber.next(item);
          subscriber.complete();
          return () => teardowns++;
        });
        const subscription = source.pipe(create()).subscribe({
          next: () => {
            emitted++;
            queueMicrotask(() => {
              subscription.unsubscribe();
              resolve();
            });
          },
          error: reject,
          complete: resolve,
        });
      });
      expect(teardowns).toBe(1);
      expect(emitted).toBeGreaterThan(0);
      await settle();
    });

    it('a synchronous endless source stops when the consumer has left', async () => {
      let given = 0;
      const endless = new Observable<T>((subscriber) => {
        while (!subscriber.closed && given < 10_000) {
          subscriber.next(items()[given++ % items().length]!);
        }
      });
      const subscription = endless
        .pipe(create())
        .subscribe(() => queueMicrotask(() => subscription?.unsubscribe()));
      subscription.unsubscribe();
      await settle();
    });

    it('can be subscribed twice, independently', async () => {
      const source = of(...items());
      const first = await lastValueFrom(source.pipe(create(), toArray()));
      const second = await lastValueFrom(source.pipe(create(), toArray()));
      expect(second).toHaveLength(first.length);
      await settle();
    });
  });
}
