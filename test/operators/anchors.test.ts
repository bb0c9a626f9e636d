import { lastValueFrom, map, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import { anchorsOf } from '../../src/core/batch/index.js';
import { nasbench201 } from '../../src/core/space/nasbench201.js';
import { type AnchorsOptions, anchors, batchesPerEpoch } from '../../src/operators/anchors.js';

const space = nasbench201;
const classes = 64;
const perEpoch = batchesPerEpoch(space, classes);

const cells = (options: Partial<AnchorsOptions> = {}) =>
  lastValueFrom(
    anchors({ space, seed: 1, classes, epochs: 1, credit: new Credit(4), ...options }).pipe(
      map((batch) => [...anchorsOf(batch)]),
      toArray(),
    ),
  );

describe('anchors', () => {
  it('gives each cell at most once an epoch, in whole batches', async () => {
    const batches = await cells();
    expect(batches).toHaveLength(perEpoch);
    expect(batches.every((batch) => batch.length === classes)).toBe(true);
    expect(new Set(batches.flat()).size).toBe(perEpoch * classes);
  });

  it('shuffles anew in every epoch, unless told otherwise', async () => {
    const both = await cells({ epochs: 2 });
    expect(both.slice(perEpoch)).not.toEqual(both.slice(0, perEpoch));
    const same = await cells({ epochs: 2, sameOrder: true });
    expect(same.slice(perEpoch)).toEqual(same.slice(0, perEpoch));
  });

  it('goes on where an earlier part stopped', async () => {
    const all = await cells({ epochs: 2 });
    const skip = perEpoch + 7;
    expect(await cells({ epochs: 2, skip })).toEqual(all.slice(skip));
  });

  it('deals anchors apart, each once an epoch, also for a resumed run', async () => {
    const near = (batches: number[][]) =>
      batches.flatMap((batch) =>
        batch.flatMap((a, i) => batch.slice(0, i).filter((b) => space.distance(a, b, 1) < 2)),
      ).length;
    const [asTheyCome, apart] = [await cells({ epochs: 2 }), await cells({ epochs: 2, apart: 2 })];
    expect(new Set(apart.slice(perEpoch).flat()).size).toBe(perEpoch * classes);
    // Of 244 batches, the last of each 32 may have some left.
    expect(near(asTheyCome)).toBeGreaterThan(500);
    expect(near(apart)).toBeLessThan(near(asTheyCome) / 20);
    expect(await cells({ epochs: 2, apart: 2, skip: 45 })).toEqual(apart.slice(45));
    expect(await cells({ epochs: 2, apart: 2, skip: perEpoch + 3 })).toEqual(apart.slice(perEpoch + 3));
  });

  it('depends on the seed alone', async () => {
    expect(await cells({ seed: 5 })).toEqual(await cells({ seed: 5 }));
    expect(await cells({ seed: 5 })).not.toEqual(await cells({ seed: 6 }));
  });

  it('stops when the consumer has enough', async () => {
    const source = anchors({ space, seed: 1, classes, epochs: 1000, credit: new Credit(1) });
    expect(await lastValueFrom(source.pipe(take(3), toArray()))).toHaveLength(3);
  });
});
