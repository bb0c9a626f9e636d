import { map, mergeMap, Observable, of, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import { type InScope, inTurn } from '../../src/operators/inTurn.js';
import { operatorConformance } from '../conformance/operator.js';

const marbles = (test: Parameters<TestScheduler['run']>[0]) =>
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(test);

const taking = (frames: number) => (items: Observable<InScope<string>>) =>
  items.pipe(mergeMap(({ item }) => timer(frames).pipe(map(() => item))));

operatorConformance('inTurn', {
  create: () => inTurn<string, string>({ credit: new Credit(8) }, taking(0)),
  items: () => ['a', 'b', 'c'],
});

describe('inTurn', () => {
  it('leads one item at a time through its stages', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('  abc-------|');
      const expected = '    ---a--b--c|';
      expectObservable(source.pipe(inTurn({ credit: new Credit(8) }, taking(3)))).toBe(expected);
    }));

  it('drops the newest when full, by policy', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('  abcd------|');
      const expected = '    ---a--b---|';
      expectObservable(source.pipe(inTurn({ credit: new Credit(2), policy: 'dropping' }, taking(3)))).toBe(
        expected,
      );
    }));

  it('drops the oldest that waits when full, by policy', () =>
    marbles(({ hot, expectObservable }) => {
      const source = hot('  abc-------|');
      const expected = '    ---a--c---|';
      expectObservable(source.pipe(inTurn({ credit: new Credit(2), policy: 'sliding' }, taking(3)))).toBe(
        expected,
      );
    }));

  it('an error of a stage ends the stream and the scope', () => {
    const credit = new Credit(2);
    let cleaned = 0;
    let failure: unknown;
    of('a', 'b')
      .pipe(
        inTurn({ credit }, (items) =>
          items.pipe(
            mergeMap(({ scope }) => {
              scope.onClose(() => cleaned++);
              return throwError(() => 'broken');
            }),
          ),
        ),
      )
      .subscribe({ error: (error) => (failure = error) });
    expect(failure).toBe('broken');
    expect(cleaned).toBe(1);
    expect(credit.free).toBe(2);
  });

  it('unsubscribing ends the scope only when what it holds has settled', async () => {
    let cleaned = 0;
    let finish = () => {};
    const work = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const credit = new Credit(1);
    const subscription = of('a')
      .pipe(
        inTurn({ credit }, (items) =>
          items.pipe(
            mergeMap(({ scope }) => {
              scope.onClose(() => cleaned++);
              return scope.hold(work);
            }),
          ),
        ),
      )
      .subscribe();
    subscription.unsubscribe();
    expect(cleaned).toBe(0);
    expect(credit.free).toBe(1);
    finish();
    await new Promise((resolve) => setTimeout(resolve));
    expect(cleaned).toBe(1);
  });

  it('does not grow the stack over many synchronous items', () => {
    let seen = 0;
    new Observable<number>((subscriber) => {
      for (let i = 0; i < 200_000; i++) subscriber.next(i);
      subscriber.complete();
    })
      .pipe(inTurn({ credit: new Credit(1) }, (items) => items.pipe(map(({ item }) => item))))
      .subscribe(() => seen++);
    expect(seen).toBe(200_000);
  });
});
