import { Field, Schema, Uint32 } from 'apache-arrow';
import {
  concatMap,
  delay,
  filter,
  from,
  lastValueFrom,
  map,
  type OperatorFunction,
  of,
  tap,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import { anchorBatch, RowBuffer } from '../../src/core/batch/index.js';
import { StageMeters } from '../../src/core/meter.js';
import type { ColumnTypes } from '../../src/core/spec/component.js';
import { batch } from '../../src/operators/batch.js';
import { inTurn } from '../../src/operators/inTurn.js';
import { metered, meteredSource } from '../../src/operators/metered.js';
import { pull } from '../../src/operators/pull.js';
import { operatorConformance } from '../conformance/operator.js';

const busy = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};
const slow = <T>(milliseconds: number): OperatorFunction<T, T> => tap(() => busy(milliseconds));
const anchors = (count: number) => anchorBatch(new Uint32Array(count));

/** Stages of one pipeline, by name. */
function stages() {
  const meters = new StageMeters();
  const keys = new Map<string, object>();
  const counts = (name: string) => {
    if (!keys.has(name)) keys.set(name, {});
    return meters.of(keys.get(name)!, name);
  };
  return {
    counts,
    stage: <T, R>(name: string, operator: OperatorFunction<T, R>, columns?: ColumnTypes) =>
      metered({ counts: counts(name), columns }, operator),
    rows: () => Object.fromEntries(meters.rows().map(({ stage, ...row }) => [stage, row])),
  };
}

operatorConformance<number, number>('metered', {
  create: () =>
    stages().stage(
      'double',
      map((x) => 2 * x),
    ),
  items: () => [1, 2, 3],
});

describe('counters', () => {
  it('count rows of batches, and items that are none', async () => {
    const { stage, rows } = stages();
    const source = from([anchors(3), anchors(3), anchors(2)]);
    await lastValueFrom(
      source.pipe(
        stage('batch', (batches) => batches.pipe(batch({ rows: 4 }))),
        stage(
          'count',
          map((each) => each.numRows),
        ),
        stage(
          'odd',
          filter((n) => n % 2 === 1),
        ),
        toArray(),
      ),
    );
    expect(rows()).toMatchObject({
      batch: { in: 8, out: 8 },
      count: { in: 8, out: 2 },
      odd: { in: 2, out: 0 },
    });
  });

  it('give each stage its own time, not that of the stages behind', async () => {
    const { stage, rows } = stages();
    await lastValueFrom(
      from([1, 2, 3, 4]).pipe(
        stage('first', slow(2)),
        stage('second', slow(8)),
        stage(
          'async',
          concatMap((x) => of(x).pipe(delay(10))),
        ),
        stage('last', slow(4)),
      ),
    );
    const seconds = (name: string) => rows()[name]!.seconds;
    expect(seconds('first')).toBeGreaterThanOrEqual(0.008);
    expect(seconds('second')).toBeGreaterThanOrEqual(0.032);
    expect(seconds('last')).toBeGreaterThanOrEqual(0.016);
    // The lookup's time is its own, though it computes nothing meanwhile; the first one's passes while the source still works.
    expect(seconds('async')).toBeGreaterThanOrEqual(0.025);
    expect(seconds('first')).toBeLessThan(seconds('second'));
  });

  it('of a pulled source tell making items from waiting for credit, and how many were held', async () => {
    const { counts, rows } = stages();
    const credit = new Credit(2);
    counts('source').credit = credit;
    function* items() {
      for (let i = 0; i < 5; i++) {
        busy(3);
        yield i;
      }
    }
    const source = meteredSource({ counts: counts('source') }, pull({ [Symbol.iterator]: items }, credit));
    await lastValueFrom(
      source.pipe(
        inTurn(
          { credit },
          concatMap(({ item }) => of(item).pipe(delay(10))),
        ),
      ),
    );
    const row = rows().source!;
    expect(row).toMatchObject({ in: 0, out: 5, buffered: 2, dropped: 0 });
    expect(row.seconds).toBeGreaterThanOrEqual(0.015);
    expect(row.waiting).toBeGreaterThanOrEqual(0.02);
  });

  it('count what a full buffer drops', async () => {
    const credit = new Credit(1);
    const kept = from([1, 2, 3]).pipe(
      inTurn(
        { credit, policy: 'dropping' },
        concatMap(({ item }) => of(item).pipe(delay(1))),
      ),
      toArray(),
    );
    expect(await lastValueFrom(kept)).toEqual([1]);
    expect(credit.dropped).toBe(2);
  });

  it('go on where a stage is made anew, and tell stages of one name apart', async () => {
    const meters = new StageMeters();
    const [a, b] = [{}, {}];
    for (const key of [a, b, a]) meters.of(key, 'record').rowsIn++;
    expect(meters.rows().map(({ stage, in: rows }) => [stage, rows])).toEqual([
      ['record', 2],
      ['record 2', 1],
    ]);
  });

  it('cost next to nothing', async () => {
    const columns: ColumnTypes = { anchor: 'uint32' };
    const batches = Array.from({ length: 20_000 }, () => anchors(64));
    const { stage } = stages();
    const before = process.cpuUsage();
    await lastValueFrom(
      from(batches).pipe(
        stage(
          'pass',
          map((each) => each),
          columns,
        ),
      ),
    );
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / batches.length).toBeLessThan(50); // microseconds; a training step takes 10,000 and more
  });
});

describe('a stage that breaks its declared schema', () => {
  const broken = (give: unknown[], columns: ColumnTypes) =>
    lastValueFrom(
      from(give).pipe(
        stages().stage(
          'own',
          map((x) => x),
          columns,
        ),
      ),
      { defaultValue: undefined },
    );

  it.each([
    [
      [anchors(3), anchors(2)],
      { anchor: 'uint32', cell: 'uint32' },
      "stage 'own' breaks the schema that it declares: row 0, column 'cell' is missing",
    ],
    [
      [anchors(3)],
      { anchor: 'float32' },
      "stage 'own' breaks the schema that it declares: row 0, column 'anchor' is uint32, not float32",
    ],
    [
      [{ cell: 1 }, { cell: 2 }, { cell: -1 }],
      { cell: 'uint32' },
      "stage 'own' breaks the schema that it declares: row 2, column 'cell' is -1, not uint32",
    ],
    [
      [{ cell: 1, origin: 'x' }, { cell: 1 }],
      { cell: 'uint32', origin: 'utf8' },
      "stage 'own' breaks the schema that it declares: row 1, column 'origin' is missing",
    ],
    [
      [{ embedding: [1, 2] }],
      { embedding: 'float32[]' },
      "stage 'own' breaks the schema that it declares: row 0, column 'embedding' is a Array, not float32[]",
    ],
    [[7], { cell: 'uint32' }, "row 0, column 'cell' is missing: the item is no row but 7"],
  ] as [unknown[], ColumnTypes, string][])(
    '%j: named by stage, row and column',
    async (give, columns, message) => {
      const error = (await broken(give, columns).catch((thrown) => thrown)) as Error;
      expect(error.message).toContain(message);
      expect(error).toMatchObject({ exitCode: 1, hint: expect.stringContaining('rxnas describe own') });
    },
  );

  it('nulls are found, in batches too', async () => {
    const buffer = new RowBuffer(new Schema<{ cell: Uint32 }>([new Field('cell', new Uint32(), true)]));
    for (const cell of [1, 2, null]) buffer.push({ cell } as { cell: number });
    await expect(broken([anchors(2), buffer.drain()], { cell: 'uint32' })).rejects.toThrow(
      "row 0, column 'cell' is missing",
    );
    for (const cell of [1, 2, null]) buffer.push({ cell } as { cell: number });
    await expect(broken([buffer.drain()], { cell: 'uint32' })).rejects.toThrow(
      "row 2, column 'cell' is null",
    );
  });

  it('rows that keep it pass', async () => {
    const row = { cell: 1, test: 0.5, nan: Number.NaN, hash: 'x', embedding: new Float32Array(2) };
    await broken([row], {
      cell: 'uint32',
      test: 'float64',
      nan: 'float64',
      hash: 'utf8',
      embedding: 'float32[]',
    });
    await broken([anchors(2)], { anchor: 'uint32' });
  });
});
