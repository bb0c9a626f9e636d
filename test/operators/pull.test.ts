import { count as countAll, delay, lastValueFrom, map, take, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import { type InScope, inTurn } from '../../src/operators/inTurn.js';
import { pull } from '../../src/operators/pull.js';

const item = () => map(({ item }: InScope<number>) => item);

function* count(limit: number, onGive: (n: number) => void = () => {}, onEnd: () => void = () => {}) {
  try {
    for (let i = 0; i < limit; i++) {
      onGive(i);
      yield i;
    }
  } finally {
    onEnd();
  }
}

describe('pull', () => {
  it('gives everything when nobody holds credit', async () => {
    expect(await lastValueFrom(pull(count(4), new Credit(2)).pipe(toArray()))).toEqual([0, 1, 2, 3]);
  });

  it('never runs ahead of the credit', async () => {
    const credit = new Credit(3);
    let given = 0;
    let used = 0;
    let ahead = 0;
    const slow = inTurn<number, number>({ credit }, (items) => items.pipe(delay(1), item()));
    await lastValueFrom(
      pull(
        count(40, () => {
          given++;
          ahead = Math.max(ahead, given - used);
        }),
        credit,
      ).pipe(
        slow,
        tap(() => used++),
        toArray(),
      ),
    );
    expect(given).toBe(40);
    expect(ahead).toBeLessThanOrEqual(4); // three held, one on its way out
    expect(credit.peak).toBe(3);
    expect(credit.free).toBe(3);
  });

  it('closes the iterator when the consumer leaves', async () => {
    let ended = 0;
    const source = pull(
      count(
        1e9,
        () => {},
        () => ended++,
      ),
      new Credit(2),
    );
    expect(await lastValueFrom(source.pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    expect(ended).toBe(1);
  });

  it('passes on what the iterator throws', async () => {
    function* broken() {
      yield 1;
      throw new Error('source broke');
    }
    await expect(lastValueFrom(pull(broken(), new Credit(1)))).rejects.toThrow('source broke');
  });

  it('holds a million items flat: each is given only when the one before was used', async () => {
    const credit = new Credit(4);
    const total = await lastValueFrom(
      pull(count(1_000_000), credit).pipe(inTurn({ credit }, item()), countAll()),
    );
    expect(total).toBe(1_000_000);
    expect(credit.peak).toBeLessThanOrEqual(4);
  });
});
