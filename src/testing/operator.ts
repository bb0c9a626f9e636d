import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
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
import { itemFault } from '../core/spec/checkItem.js';
import { inputOf, type StageSpec } from '../core/spec/component.js';
import { type Check, descriptionCheck } from './check.js';

export interface OperatorCase<T, R> {
  /** A fresh operator; called once a check. */
  create: () => OperatorFunction<T, R>;
  /** At least three items that the operator takes. */
  items: () => T[];
  /** Outputs that `items` give; default: as many as items. */
  outputs?: number;
  /** What the operator says of itself (`defineOperator` puts it there as `spec`): then items and outputs are held against it. */
  spec?: StageSpec;
  /** The parameters that `create` gives it, where the columns follow from them. */
  params?: Record<string, unknown>;
  /** Milliseconds that a check may take; default 10,000. */
  timeout?: number;
  /** Called after every check; throws where resources are not back where they were. */
  atRest?: () => void;
}

const tick = () => setTimeout(5);

/**
 * What every operator must do, whatever it computes: the cases of rxjs's own operators, and the columns that it declares.
 *
 *     for (const { name, run } of operatorConformance({ create, items })) it(name, run);
 */
export function operatorConformance<T, R>(options: OperatorCase<T, R>): Check[] {
  const { create, items, outputs, spec, params, atRest, timeout = 10_000 } = options;
  const expected = () => outputs ?? items().length;
  const run = (source: Observable<T>) => lastValueFrom(source.pipe(create(), toArray()));
  const cases: Check[] = [
    {
      name: 'never: emits nothing and does not end',
      async run() {
        const seen: unknown[] = [];
        const subscription = (NEVER as Observable<T>).pipe(create()).subscribe({
          next: (value) => seen.push(value),
          error: (error) => seen.push(error),
          complete: () => seen.push('complete'),
        });
        await tick();
        subscription.unsubscribe();
        assert.deepEqual(seen, []);
      },
    },
    {
      name: 'empty: completes without a value',
      async run() {
        assert.deepEqual(await run(EMPTY as Observable<T>), []);
      },
    },
    {
      name: 'many: gives every output, then completes',
      async run() {
        assert.equal((await run(of(...items()))).length, expected());
      },
    },
    {
      name: 'one: takes a single item',
      async run() {
        await run(of(items()[0]!));
      },
    },
    {
      name: 'error: passes the error of the source on',
      async run() {
        const boom = new Error('boom');
        const source = concat(
          of(items()[0]!),
          throwError(() => boom),
        );
        await assert.rejects(run(source), (error) => error === boom);
      },
    },
    {
      name: 'early unsubscribe: tears the source down, once, and emits nothing more',
      async run() {
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
        assert.equal(teardowns, 1, 'teardowns of the source');
        assert.equal(emitted, before, 'outputs after the consumer has left');
      },
    },
    {
      name: 'unsubscribe at the first output: tears the source down, once',
      async run() {
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
        assert.equal(teardowns, 1, 'teardowns of the source');
        assert.ok(emitted > 0 || expected() === 0, 'an output');
      },
    },
    {
      name: 'a synchronous endless source stops when the consumer has left',
      async run() {
        let given = 0;
        const most = 10_000;
        const some = items();
        const endless = new Observable<T>((subscriber) => {
          while (!subscriber.closed && given < most) subscriber.next(some[given++ % some.length]!);
        });
        let wanted = true;
        await new Promise<void>((resolve, reject) => {
          const consumer = new Observable<R>((subscriber) => endless.pipe(create()).subscribe(subscriber));
          const subscription = consumer.subscribe({
            next: () => {
              wanted = false;
              queueMicrotask(() => {
                subscription.unsubscribe();
                resolve();
              });
            },
            error: reject,
            complete: resolve,
          });
          if (wanted) void tick().then(() => resolve(subscription.unsubscribe()));
        });
        const left = given;
        await tick();
        assert.equal(given, left, 'items drawn after the consumer has left');
      },
    },
    {
      name: 'can be subscribed twice, independently',
      async run() {
        const operator = create();
        const source = of(...items());
        const first = await lastValueFrom(source.pipe(operator, toArray()));
        const second = await lastValueFrom(source.pipe(create(), toArray()));
        assert.equal(second.length, first.length);
      },
    },
  ];
  if (spec) {
    cases.push(descriptionCheck(spec), {
      name: 'takes and gives the columns that it declares',
      async run() {
        const given = items();
        for (const item of given)
          assert.equal(itemFault(item, inputOf(spec, params)), undefined, 'of an item');
        const declared = typeof spec.output === 'function' ? {} : spec.output;
        for (const item of await run(of(...given)))
          assert.equal(itemFault(item, declared), undefined, 'of an output');
      },
    });
  }
  return cases.map(({ name, run }) => ({
    name,
    async run() {
      const late = new AbortController();
      const limit = setTimeout(timeout, undefined, { signal: late.signal }).then(() =>
        assert.fail(`it has not ended after ${timeout} ms`),
      );
      try {
        await Promise.race([run(), limit]);
      } finally {
        late.abort();
        limit.catch(() => {});
      }
      await tick();
      atRest?.();
    },
  }));
}
