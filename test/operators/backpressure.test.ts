import { setImmediate, setTimeout } from 'node:timers/promises';
import { count, lastValueFrom, mergeMap, take, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import { nasbench201 as space } from '../../src/core/space/nasbench201.js';
import { anchors } from '../../src/operators/anchors.js';
import { batch } from '../../src/operators/batch.js';
import { inTurn } from '../../src/operators/inTurn.js';
import { mutate } from '../../src/operators/mutate.js';
import { figure, fullSize } from '../support/figure.js';

/** Batches of 512 cells through a consumer that takes its time; how many were ahead of it at most, and held at most. */
async function consume(batches: number, use: () => Promise<unknown>) {
  const capacity = 4;
  const credit = new Credit(capacity);
  let made = 0;
  let used = 0;
  let ahead = 0;
  const total = await lastValueFrom(
    anchors({ space, seed: 1, credit, classes: 64, epochs: 10_000 }).pipe(
      take(batches),
      mutate({ space, seed: 1, samplesPerClass: 8 }),
      batch({ rows: 512 }),
      tap(() => {
        made++;
        ahead = Math.max(ahead, made - used);
      }),
      inTurn({ credit }, (turn) =>
        turn.pipe(
          mergeMap(async ({ item }) => {
            await use();
            used++;
            return item.numRows;
          }),
        ),
      ),
      count(),
    ),
  );
  return { total, ahead, peak: credit.peak, capacity };
}

describe('backpressure', () => {
  it('figure 7: with a consumer 100 times slower than the source no more than the capacity is ever held', async () => {
    const started = performance.now();
    await consume(20, async () => {});
    const source = (performance.now() - started) / 20;
    const { total, ahead, peak, capacity } = await consume(30, () => setTimeout(Math.min(100 * source, 200)));
    expect(total).toBe(30);
    expect(peak).toBe(capacity);
    expect(ahead).toBeLessThanOrEqual(capacity + 1);
    figure(7, `source 100 times faster: ${peak} of ${capacity} batches held at most`);
  });

  it('figure 7: while the consumer pauses, memory stays flat', async () => {
    const seconds = fullSize ? 60 : 2;
    await consume(50, setImmediate);
    let resident = 0;
    let grown = 0;
    let n = 0;
    const { total, peak, capacity } = await consume(60, async () => {
      if (n++ !== 20) return;
      // What the collector takes back while nothing happens is no growth.
      resident = process.memoryUsage().rss;
      for (let passed = 0; passed < seconds; passed += 1) {
        await setTimeout(1000);
        grown = Math.max(grown, process.memoryUsage().rss - resident);
      }
    });
    expect(total).toBe(60);
    expect(peak).toBe(capacity);
    expect(grown).toBeLessThan(20e6);
    figure(
      7,
      `consumer paused ${seconds} s: ${peak} of ${capacity} batches held, resident memory +${(grown / 1e6).toFixed(1)} MB at most`,
    );
  }, 120_000);

  it('figure 7: memory stays flat over 1,000,000 cells', async () => {
    await consume(50, setImmediate);
    const before = process.memoryUsage();
    const { total } = await consume(1954, setImmediate);
    const after = process.memoryUsage();
    expect(total * 512).toBeGreaterThan(1_000_000);
    // All batches together are 160 MB; what is not yet collected is a part of that.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(80e6);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(40e6);
    const megabytes = (after.rss - before.rss) / 1e6;
    figure(
      7,
      `${total * 512} cells: resident memory ${megabytes < 0 ? '−' : '+'}${Math.abs(megabytes).toFixed(0)} MB`,
    );
  });
});
