import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  type RecordBatch,
  Schema,
  Uint8,
  Uint32,
  Utf8,
} from 'apache-arrow';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { embeddingBatch, embeddingSchema, makeBatch, RowBuffer } from '../../../src/core/batch/index.js';
import { ParquetColumnSink, ParquetRowSink } from '../../../src/core/run/index.js';
import { figure } from '../../support/figure.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

type Flat = { i: Int32; u: Uint32; b: Uint8; l: Int64; f: Float32; d: Float64; s: Utf8 };
const flat = new Schema<Flat>([
  new Field('i', new Int32(), true),
  new Field('u', new Uint32(), true),
  new Field('b', new Uint8(), true),
  new Field('l', new Int64(), true),
  new Field('f', new Float32(), true),
  new Field('d', new Float64(), true),
  new Field('s', new Utf8(), true),
]);
const row = (u: number, l: bigint, d: number, s: string) => ({
  i: u | 0,
  u,
  b: u & 0xff,
  l,
  f: Math.fround(d),
  d,
  s,
});
const nulls = { i: null, u: null, b: null, l: null, f: null, d: null, s: null };
const hardRows = [
  row(0xffff_ffff, 2n ** 53n + 1n, Number.NaN, 'NaN'),
  row(0x8000_0000, -(2n ** 63n), Number.NEGATIVE_INFINITY, '-inf'),
  row(1, 2n ** 63n - 1n, Number.POSITIVE_INFINITY, ''),
  row(0, 0n, -0, '−0'),
  row(2, 1n, 5e-324, 'ünïcödé 😀'),
  row(3, 1n, 1e-45, 'subnormal'),
  row(3, 1n, 0, 'a "quoted", one\n'),
  nulls,
];

const batchOf = (rows: object[]): RecordBatch<Flat> => {
  const buffer = new RowBuffer(flat);
  for (const item of rows) buffer.push(item as never);
  return buffer.drain();
};

async function read(file: string): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: await asyncBufferFromFile(file) });
}

async function write(kind: 'rows' | 'columns', file: string, rows: object[]): Promise<void> {
  if (kind === 'rows') {
    const sink = new ParquetRowSink(file, flat);
    for (const item of rows) await sink.append(item as never);
    await sink.close();
  } else {
    const sink = new ParquetColumnSink(file, flat);
    for (const item of rows) sink.write(batchOf([item]));
    await sink.close();
  }
}

describe.each(['rows', 'columns'] as const)('Parquet by %s', (kind) => {
  it('holds every value bit by bit', async () => {
    const file = join(temporaryFolder(), 'hard.parquet');
    await write(kind, file, hardRows);
    expect(await read(file)).toEqual(hardRows);
  });

  it('holds no rows, and nothing but nulls', async () => {
    const folder = temporaryFolder();
    await write(kind, join(folder, 'empty.parquet'), []);
    expect(await read(join(folder, 'empty.parquet'))).toEqual([]);
    await write(kind, join(folder, 'nulls.parquet'), Array(10).fill(nulls));
    expect(await read(join(folder, 'nulls.parquet'))).toEqual(Array(10).fill(nulls));
  });

  it('figure 5: takes rows of 64 concurrent producers once each, each in its order', async () => {
    const file = join(temporaryFolder(), 'many.parquet');
    const [producers, each] = [64, kind === 'rows' ? 300 : 60];
    const rowSink = kind === 'rows' ? new ParquetRowSink(file, flat) : undefined;
    const columnSink = kind === 'columns' ? new ParquetColumnSink(file, flat) : undefined;
    const produce = async (producer: number) => {
      for (let i = 0; i < each; i++) {
        const item = row(producer, BigInt(i), producer + i / each, `${producer}/${i}`);
        columnSink?.write(batchOf([item]));
        const appended = rowSink?.append(item);
        if (producer % 2 === 0)
          await appended; // the others never wait
        else if (i % 10 === 0) await Promise.resolve();
      }
    };
    await Promise.all(Array.from({ length: producers }, (_, p) => produce(p)));
    await (rowSink ?? columnSink)!.close();
    const rows = await read(file);
    expect(rows.length).toBe(producers * each);
    for (let p = 0; p < producers; p++) {
      const own = rows.filter(({ u }) => u === p).map(({ l }) => Number(l));
      expect(own).toEqual(Array.from({ length: each }, (_, i) => i));
    }
    figure(
      5,
      `Parquet by ${kind}: ${rows.length} rows of 64 producers, each once, those of a producer in order`,
    );
  });

  it('is not there before it is whole', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'late.parquet');
    const sink = kind === 'rows' ? new ParquetRowSink(file, flat) : new ParquetColumnSink(file, flat);
    expect(existsSync(file)).toBe(false);
    sink.discard();
    expect(readdirSync(folder)).toEqual([]);
    expect(() => new ParquetRowSink(join(folder, 'no', 'such.parquet'), flat)).toThrow('cannot access');
  });

  it('has the same bytes for the same rows', async () => {
    const folder = temporaryFolder();
    await write(kind, join(folder, 'a'), hardRows);
    await write(kind, join(folder, 'b'), hardRows);
    expect(readFileSync(join(folder, 'a'))).toEqual(readFileSync(join(folder, 'b')));
  });
});

describe('Parquet by rows', () => {
  it('a row that is refused fails the file, not silently', async () => {
    const folder = temporaryFolder();
    const required = new Schema<{ d: Float64 }>([new Field('d', new Float64(), false)]);
    const sink = new ParquetRowSink(join(folder, 'x.parquet'), required);
    await sink.append({ d: 1 });
    sink.append({} as never);
    await expect(sink.append({ d: 2 })).rejects.toThrow('missing required field');
    await expect(sink.close()).rejects.toThrow('missing required field');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('lists are for the column sink', () => {
    expect(() => new ParquetRowSink(join(temporaryFolder(), 'x'), embeddingSchema(4))).toThrow(
      'ParquetColumnSink',
    );
  });
});

describe('Parquet by columns', () => {
  it('holds lists, over row groups', async () => {
    const file = join(temporaryFolder(), 'lists.parquet');
    const rows = 150_000;
    const embedding = Float32Array.from({ length: rows * 2 }, (_, i) => i / 3);
    const cell = Uint32Array.from({ length: rows }, (_, i) => i);
    const sink = new ParquetColumnSink(file, embeddingSchema(2));
    sink.write(embeddingBatch(2, { cell, hash: Array.from(cell, String), embedding }));
    await sink.close();
    expect(sink.rows).toBe(rows);
    const found = await read(file);
    expect(found.length).toBe(rows);
    for (const i of [0, 65_535, 65_536, 149_999]) {
      expect(found[i]).toEqual({
        cell: i,
        hash: `${i}`,
        embedding: [...embedding.subarray(2 * i, 2 * i + 2)],
      });
    }
  });

  it('holds null lists', async () => {
    const file = join(temporaryFolder(), 'x.parquet');
    const list = new FixedSizeList(2, new Field('item', new Float32(), false));
    const schema = new Schema<{ e: FixedSizeList<Float32> }>([new Field('e', list, true)]);
    const buffer = new RowBuffer(schema);
    const e = Float32Array.of(-0, Number.NaN);
    for (const item of [{ e }, { e: null }, { e }]) buffer.push(item as never);
    const sink = new ParquetColumnSink(file, schema);
    sink.write(buffer.drain());
    await sink.close();
    const found = (await read(file)).map(({ e }) => e ?? null);
    expect(found).toEqual([[-0, Number.NaN], null, [-0, Number.NaN]]);
  });

  it('takes batches made of typed arrays', async () => {
    const file = join(temporaryFolder(), 'x.parquet');
    const schema = new Schema<{ u: Uint32; l: Int64 }>([
      new Field('u', new Uint32(), false),
      new Field('l', new Int64(), false),
    ]);
    const sink = new ParquetColumnSink(file, schema);
    sink.write(makeBatch(schema, { u: Uint32Array.of(0xffff_ffff), l: BigInt64Array.of(-1n) }));
    await sink.close();
    expect(await read(file)).toEqual([{ u: 0xffff_ffff, l: -1n }]);
  });
});
