import { Field, FixedSizeList, Float32, Float64, Int64, RecordBatch, Schema, Utf8 } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnchorBatch,
  anchorBatch,
  anchorsOf,
  type CellBatch,
  cellBatch,
  cellSchema,
  cellsOf,
  concatBatches,
  embeddingBatch,
  embeddingsOf,
  eventSchemas,
  labelsOf,
  makeBatch,
  RowBuffer,
  rowsOf,
  sliceBatch,
  tokensOf,
  values,
} from '../../../src/core/batch/index.js';

const length = 27;

function cells(rows: number): CellBatch {
  return cellBatch(length, {
    anchor: Uint32Array.from({ length: rows }, (_, i) => i),
    cell: Uint32Array.from({ length: rows }, (_, i) => i * 3),
    label: Int32Array.from({ length: rows }, (_, i) => i >> 3),
    edits: Uint8Array.from({ length: rows }, (_, i) => i % 4),
    tokens: Int32Array.from({ length: rows * length }, (_, i) => i),
  });
}

describe('streaming batches', () => {
  it('lie around the arrays they were made of', () => {
    const tokens = new Int32Array(4 * length);
    const cell = Uint32Array.of(1, 2, 3, 4);
    const batch = cellBatch(length, {
      anchor: cell,
      cell,
      label: new Int32Array(4),
      edits: new Uint8Array(4),
      tokens,
    });
    expect(batch).toBeInstanceOf(RecordBatch);
    expect(batch.numRows).toBe(4);
    expect(tokensOf(batch).buffer).toBe(tokens.buffer);
    expect(cellsOf(batch)).toBe(cell);
    const anchors = Uint32Array.of(7, 0xffff_fffe);
    expect(anchorsOf(anchorBatch(anchors))).toBe(anchors);
  });

  it('are read by apache-arrow as what they say they are', () => {
    const batch = cells(3);
    expect(batch.schema.toString()).toBe(cellSchema(length).toString());
    expect(batch.getChild('tokens')!.get(1)!.toArray()).toEqual(
      Int32Array.from({ length }, (_, i) => length + i),
    );
    expect(batch.getChild('cell')!.toArray()).toEqual(Uint32Array.of(0, 3, 6));
  });

  it('refuse columns of different lengths', () => {
    const columns = { anchor: new Uint32Array(2), cell: new Uint32Array(3) };
    const rest = { label: new Int32Array(2), edits: new Uint8Array(2), tokens: new Int32Array(2 * length) };
    expect(() => cellBatch(length, { ...columns, ...rest })).toThrow("column 'cell' has 3 rows, expected 2");
    expect(() =>
      cellBatch(length, { ...columns, ...rest, cell: new Uint32Array(2), tokens: new Int32Array(5) }),
    ).toThrow('5 values');
  });

  it('carry their columns in their types', () => {
    const needsTokens = (batch: CellBatch) => tokensOf(batch);
    const anchors: AnchorBatch = anchorBatch(Uint32Array.of(1));
    // @ts-expect-error a stage that needs cells does not take anchors
    expect(() => needsTokens(anchors)).toThrow("no column 'tokens'");
    // @ts-expect-error neither does an accessor
    expect(() => tokensOf(anchors)).toThrow("no column 'tokens', only anchor");
    // @ts-expect-error there is no such column
    expect(() => values(anchors, 'label')).toThrow("no column 'label'");
    const label: Int32Array = values(cells(1), 'label');
    // @ts-expect-error labels are int32
    const wrong: Float32Array = values(cells(1), 'label');
    expect(label).toEqual(wrong);
  });

  it('slices are views, of slices too', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(40), fc.nat(40), fc.nat(40), (a, b, c, d) => {
        const batch = cells(40);
        const outer = sliceBatch(batch, Math.min(a, b), Math.max(a, b));
        const [from, to] = [Math.min(c, d, outer.numRows), Math.min(Math.max(c, d), outer.numRows)];
        const inner = sliceBatch(outer, from, to);
        const start = Math.min(a, b) + from;
        expect(inner.numRows).toBe(to - from);
        expect(tokensOf(inner)).toEqual(
          tokensOf(batch).subarray(start * length, (start + to - from) * length),
        );
        expect(labelsOf(inner)).toEqual(labelsOf(batch).subarray(start, start + to - from));
        if (inner.numRows > 0) expect(tokensOf(inner).buffer).toBe(tokensOf(batch).buffer);
      }),
    );
  });

  it('concatenation undoes slicing', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }), (cuts) => {
        const batch = cells(40);
        const points = [0, ...cuts.sort((x, y) => x - y), 40];
        const parts = points.slice(1).map((end, i) => sliceBatch(batch, points[i]!, end));
        const whole = concatBatches(parts);
        expect(whole.numRows).toBe(40);
        expect(tokensOf(whole)).toEqual(tokensOf(batch));
        expect(cellsOf(whole)).toEqual(cellsOf(batch));
      }),
    );
    expect(() => concatBatches([])).toThrow(RangeError);
    const odd = embeddingBatch(4, { cell: Uint32Array.of(1), hash: ['a'], embedding: new Float32Array(4) });
    const even = embeddingBatch(8, { cell: Uint32Array.of(1), hash: ['a'], embedding: new Float32Array(8) });
    expect(() => concatBatches([odd, even])).toThrow("column 'embedding' is");
  });
});

describe('event rows', () => {
  it('come back as they were', () => {
    const buffer = new RowBuffer(eventSchemas.query);
    const row = {
      query: 1,
      round: 0,
      cell: 0xffff_ffff,
      hash: 'häsh ☃ 😀',
      searcher: '',
      origin: 'seed',
      validation: Number.NaN,
      test: -0,
      best_validation: Number.POSITIVE_INFINITY,
      best_test: 5e-324,
      regret: 0.1,
      rank: 0,
      seconds: 1e300,
    };
    buffer.push(row);
    buffer.push({ ...row, query: 2, hash: '' });
    const batch = buffer.drain();
    expect([...rowsOf(batch)]).toEqual([row, { ...row, query: 2, hash: '' }]);
    expect(buffer.rows).toBe(0);
    expect(buffer.drain().numRows).toBe(0);
  });

  it('are refused where a column cannot hold them, leaving no trace', () => {
    const buffer = new RowBuffer(eventSchemas.proposal);
    const row = { round: 1, step: 2, decoded: 3, valid: 4, fresh: 5 };
    for (const bad of [1.5, Number.NaN, 2 ** 31, -(2 ** 31) - 1, null, undefined, '1']) {
      expect(() => buffer.push({ ...row, fresh: bad as number })).toThrow(
        "column 'fresh' (Int32) cannot hold",
      );
    }
    buffer.push(row);
    expect([...rowsOf(buffer.drain())]).toEqual([row]);
    // @ts-expect-error a column is missing
    expect(() => buffer.push({ round: 1, step: 2, decoded: 3, valid: 4 })).toThrow("column 'fresh'");
  });

  it('have nulls where the schema allows them', () => {
    const list = new FixedSizeList(2, new Field('item', new Float32(), false));
    const schema = new Schema<{ a: Int64; b: Utf8; c: FixedSizeList<Float32>; d: Float64 }>([
      new Field('a', new Int64(), true),
      new Field('b', new Utf8(), true),
      new Field('c', list, true),
      new Field('d', new Float64(), true),
    ]);
    const row = fc.record({
      a: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      b: fc.option(fc.string({ unit: 'binary' })),
      c: fc.option(fc.tuple(fc.float(), fc.float()).map((pair) => Float32Array.from(pair))),
      d: fc.option(fc.double()),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 10 }), fc.array(row, { maxLength: 10 }), (rows, more) => {
        const buffer = new RowBuffer(schema);
        const batchOf = (list: typeof rows) => {
          for (const item of list) buffer.push(item as never);
          return buffer.drain();
        };
        const [one, two] = [batchOf(rows), batchOf(more)];
        const exact = [...rows, ...more].map((r) => ({
          ...r,
          b: r.b === null ? null : Buffer.from(r.b).toString(),
        }));
        const whole = concatBatches([one, two]);
        expect([...rowsOf(whole)]).toEqual(exact);
        const cut = Math.floor(whole.numRows / 2);
        expect([...rowsOf(sliceBatch(whole, cut))]).toEqual(exact.slice(cut));
      }),
    );
  });

  it('hold strings whose lone surrogates would pair up', () => {
    const schema = new Schema<{ text: Utf8 }>([new Field('text', new Utf8(), false)]);
    const batch = makeBatch(schema, { text: ['\ud83d', '\ude00', 'x'] });
    expect(values(batch, 'text')).toEqual(['\ufffd', '\ufffd', 'x']);
  });

  it('hold embeddings', () => {
    const embedding = Float32Array.from({ length: 8 }, (_, i) => i / 7);
    const batch = embeddingBatch(4, { cell: Uint32Array.of(5, 6), hash: ['aa', 'bb'], embedding });
    expect(embeddingsOf(batch)).toBe(embedding);
    expect(values(sliceBatch(batch, 1), 'hash')).toEqual(['bb']);
    expect(embeddingsOf(sliceBatch(batch, 1))).toEqual(embedding.subarray(4));
  });
});
