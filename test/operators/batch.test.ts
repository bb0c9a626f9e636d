import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type AnchorColumns, anchorBatch, anchorsOf } from '../../src/core/batch/index.js';
import { batch } from '../../src/operators/batch.js';
import { operatorConformance } from '../conformance/operator.js';

const numbers = (from: number, count: number) =>
  anchorBatch(Uint32Array.from({ length: count }, (_, i) => from + i));
const run = (batches: RecordBatch<AnchorColumns>[], rows: number, rest: 'keep' | 'drop') =>
  lastValueFrom(from(batches).pipe(batch({ rows, rest }), toArray()));

operatorConformance<RecordBatch<AnchorColumns>, RecordBatch<AnchorColumns>>('batch', {
  create: () => (source) => source.pipe(batch({ rows: 4 })),
  items: () => [numbers(0, 4), numbers(4, 4), numbers(8, 4)],
});

describe('batch', () => {
  it('passes a batch of the right size on as it is', async () => {
    const whole = numbers(0, 4);
    expect((await run([whole], 4, 'keep'))[0]).toBe(whole);
  });

  it('keeps every row, in order, in batches of the size, whatever comes in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('keep' as const, 'drop' as const),
        async (sizes, rows, rest) => {
          let next = 0;
          const incoming = sizes.map((size) => {
            next += size;
            return numbers(next - size, size);
          });
          const out = await run(incoming, rows, rest);
          const whole = Math.floor(next / rows);
          expect(out.map((b) => b.numRows)).toEqual([
            ...new Array(whole).fill(rows),
            ...(rest === 'keep' && next % rows > 0 ? [next % rows] : []),
          ]);
          const rowsOut = out.flatMap((b) => [...anchorsOf(b)]);
          expect(rowsOut).toEqual(Array.from({ length: rowsOut.length }, (_, i) => i));
        },
      ),
      { numRuns: 200 },
    );
  });
});
