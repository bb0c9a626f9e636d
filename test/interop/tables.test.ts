import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
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
import { compressors } from 'hyparquet-compressors';
import { afterAll, describe, expect, it } from 'vitest';
import { type Columns, embeddingBatch, RowBuffer } from '../../src/core/batch/index.js';
import { createRun, exportTable, ParquetColumnSink, ParquetRowSink } from '../../src/core/run/index.js';
import { figure } from '../support/figure.js';
import { python, startPython } from '../support/python.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const reader = python ? startPython(new URL('./read.py', import.meta.url)) : undefined;
afterAll(() => reader?.stop());

interface Table {
  types: Record<string, string>;
  rows: number;
  columns: Record<string, unknown[]>;
}

/** What Python reads; see read.py. */
const read = (how: string, ...files: string[]) => reader!.ask([how, ...files]) as Promise<Table>;

const bits = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
};

/** Figure 6: what must come back bit by bit. */
const flat = new Schema<Columns>([
  new Field('i', new Int32(), true),
  new Field('u', new Uint32(), true),
  new Field('b', new Uint8(), true),
  new Field('l', new Int64(), true),
  new Field('f', new Float32(), true),
  new Field('d', new Float64(), true),
  new Field('s', new Utf8(), true),
]);
const nulls = { i: null, u: null, b: null, l: null, f: null, d: null, s: null };
const hard = [
  { i: -1, u: 0xffff_ffff, b: 255, l: 2n ** 53n + 1n, f: Number.NaN, d: Number.NaN, s: 'NaN' },
  { i: -(2 ** 31), u: 2 ** 31, b: 0, l: -(2n ** 63n), f: -0, d: -0, s: '' },
  { i: 2 ** 31 - 1, u: 0, b: 1, l: 2n ** 63n - 1n, f: 2 ** -149, d: 5e-324, s: 'ünïcödé 😀' },
  { i: 0, u: 1, b: 2, l: 0n, f: 0, d: 0, s: '"quoted", and\nbroken' },
  { i: 0, u: 1, b: 2, l: 0n, f: Number.POSITIVE_INFINITY, d: Number.NEGATIVE_INFINITY, s: '0' },
  { i: 0, u: 1, b: 2, l: 1n, f: Math.fround(0.1), d: 0.1, s: 'x' },
  nulls,
];
const contents = { hard, empty: [], nulls: [nulls, nulls, nulls] };

async function write(kind: string, file: string, rows: readonly object[]): Promise<void> {
  if (kind === 'rows') {
    const sink = new ParquetRowSink(file, flat);
    for (const row of rows) await sink.append(row as never);
    await sink.close();
    return;
  }
  const buffer = new RowBuffer(flat);
  for (const row of rows) buffer.push(row as never);
  const sink = new ParquetColumnSink(file, flat);
  sink.write(buffer.drain());
  await sink.close();
}

/** What rxnas reads; NaN, −0 and bigints as they are. */
const ours = async (file: string) =>
  parquetReadObjects({ file: await asyncBufferFromFile(file), compressors });

const shown = (rows: readonly object[]) =>
  Object.fromEntries(
    flat.fields.map(({ name, type }) => [
      name,
      rows.map((row) => {
        const value = (row as Record<string, unknown>)[name];
        if (value === null || typeof value === 'string') return value;
        return String(type).startsWith('Float') ? bits(value as number) : String(value);
      }),
    ]),
  );

const arrowTypes = { i: 'int32', u: 'uint32', b: 'uint8', l: 'int64', f: 'float', d: 'double', s: 'string' };

describe.skipIf(!python).each(['rows', 'columns'])('figure 6: Parquet by %s', (kind) => {
  it.each(Object.entries(contents))(
    '%s: pyarrow and pandas read it bit by bit, and what they write is the same',
    async (name, rows) => {
      const file = join(temporaryFolder(), `${name}.parquet`);
      await write(kind, file, rows);
      const table = await read('pyarrow', file);
      expect(table.types).toEqual(arrowTypes);
      expect(table.rows).toBe(rows.length);
      expect(table.columns).toEqual(shown(rows));
      if (rows.length > 0) expect((await read('pandas', file)).columns).toEqual(shown(rows));
      await read('rewrite', file, `${file}.again`);
      expect(await read('pyarrow', `${file}.again`)).toEqual(table);
      await read('rewrite_pandas', file, `${file}.pandas`);
      for (const back of ['again', 'pandas']) expect(await ours(`${file}.${back}`)).toEqual(rows);
      const cells = rows.length * flat.fields.length;
      figure(6, `Parquet by ${kind}, ${name}: ${cells} cells in pyarrow and pandas and back, 0 differ`);
    },
  );
});

async function duckdb(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjects() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

describe.each(['rows', 'columns'])('figure 6: Parquet by %s', (kind) => {
  it.each(Object.entries(contents))('%s: DuckDB reads it bit by bit', async (name, rows) => {
    const file = join(temporaryFolder(), `${name}.parquet`);
    await write(kind, file, rows);
    expect(await duckdb(`select * from '${file}'`)).toEqual(rows);
    await duckdb(`copy (select * from '${file}') to '${file}.duckdb' (format parquet)`);
    expect(await ours(`${file}.duckdb`)).toEqual(rows);
    figure(
      6,
      `Parquet by ${kind}, ${name}: ${rows.length * flat.fields.length} cells in DuckDB and back, 0 differ`,
    );
    const types = await duckdb(`select column_name, column_type from (describe select * from '${file}')`);
    expect(
      Object.fromEntries(types.map(({ column_name, column_type }) => [column_name, column_type])),
    ).toEqual({
      i: 'INTEGER',
      u: 'UINTEGER',
      b: 'UTINYINT',
      l: 'BIGINT',
      f: 'FLOAT',
      d: 'DOUBLE',
      s: 'VARCHAR',
    });
  });
});

const dim = 16;
const rows = 3000;
const embeddings = (): RecordBatch => {
  const cell = Uint32Array.from({ length: rows }, (_, i) => i * 7);
  const embedding = Float32Array.from({ length: rows * dim }, (_, i) => Math.sin(i));
  return embeddingBatch(dim, { cell, hash: Array.from(cell, (i) => `h${i}`), embedding });
};

async function finishedRun(): Promise<string> {
  const run = await createRun({ kind: 'pretrain', root: temporaryFolder(), spec: {}, seed: 1 });
  const step = { epoch: 0, total: -0, reconstruction: 5e-324, metric: Number.NaN, mined: 0.1 };
  const rest = { learning_rate: 1, gradient_norm: Number.POSITIVE_INFINITY, spread: 0, effective_rank: 0 };
  for (let i = 0; i < 50; i++) run.append('step', { step: i, ...step, ...rest });
  run.append('query', {
    query: 1,
    round: 0,
    cell: 0xffff_ffff,
    hash: 'abc',
    searcher: 'nao',
    origin: 'seed, "quoted"',
    validation: 0.9,
    test: Number.NaN,
    best_validation: 0.9,
    best_test: -0,
    regret: 0,
    rank: 0,
    seconds: 1,
  });
  run.append('embedding', embeddings() as never);
  await run.finish('done');
  return run.dir;
}

describe.skipIf(!python)('the tables of a run', () => {
  it('are read with their types', async () => {
    const dir = await finishedRun();
    const found = await read('pyarrow', join(dir, 'embeddings-000.parquet'));
    expect(found.types).toEqual({
      cell: 'uint32',
      hash: 'string',
      embedding: `fixed_size_list<element: float not null>[${dim}]`,
    });
    expect(found.rows).toBe(rows);
    expect((found.columns.embedding as string[][])[1]![0]).toBe(bits(Math.fround(Math.sin(dim))));
    const matrix = (await read('numpy', join(dir, 'embeddings-000.parquet'))) as unknown as {
      shape: number[];
      dtype: string;
    };
    expect([matrix.shape, matrix.dtype]).toEqual([[rows, dim], 'float32']);
    const metrics = await read('pyarrow', join(dir, 'metrics-000.parquet'));
    expect(metrics.columns.total![0]).toBe(bits(-0));
    expect(metrics.columns.metric![0]).toBe(bits(Number.NaN));
    expect(metrics.columns.reconstruction![0]).toBe(bits(5e-324));
    const queries = await read('pyarrow', join(dir, 'queries-000.parquet'));
    expect(queries.columns).toMatchObject({
      cell: ['4294967295'],
      origin: ['seed, "quoted"'],
      test: [bits(Number.NaN)],
    });
  });

  it('are exported the same as Arrow and CSV', async () => {
    const dir = await finishedRun();
    for (const table of ['metrics', 'queries', 'embeddings'] as const) {
      const file = (format: string) => join(dir, `${table}.${format}`);
      const counts = [];
      for (const format of ['parquet', 'arrow', 'csv'] as const) {
        counts.push((await exportTable(dir, table, format, file(format))).rows);
      }
      const parquet = await read('pyarrow', file('parquet'));
      expect(counts).toEqual(Array(3).fill(parquet.rows));
      expect((await read('arrow', file('arrow'))).columns).toEqual(parquet.columns);
      const csv = await read('csv', file('csv'));
      expect(csv.rows).toBe(parquet.rows);
      if (table === 'embeddings') {
        const first = parquet.columns.embedding!.map((list) => (list as string[])[3]);
        expect(csv.columns.embedding_3).toEqual(first);
      }
      // pandas reads NaN as missing, and a whole-number column of doubles as it was written.
      if (table === 'queries')
        expect(csv.columns).toMatchObject({ origin: ['seed, "quoted"'], best_test: [bits(-0)] });
    }
  });
});

it('embeddings are vectors in DuckDB', async () => {
  const file = join(await finishedRun(), 'embeddings-*.parquet');
  const [row] = await duckdb(
    `select count(*) as n, max(array_cosine_similarity(embedding::FLOAT[16], embedding::FLOAT[16])) as same from read_parquet('${file}')`,
  );
  expect(row).toMatchObject({ n: BigInt(rows), same: expect.closeTo(1, 5) });
});

it('lists without values are null in DuckDB', async () => {
  const file = join(temporaryFolder(), 'x.parquet');
  const list = new FixedSizeList(2, new Field('item', new Float32(), false));
  const schema = new Schema<{ e: FixedSizeList<Float32> }>([new Field('e', list, true)]);
  const buffer = new RowBuffer(schema);
  for (const e of [[1, 2], null, [3, 4]]) buffer.push({ e } as never);
  const sink = new ParquetColumnSink(file, schema);
  sink.write(buffer.drain());
  await sink.close();
  expect(await duckdb(`select e is null as missing, e[2] as second from '${file}'`)).toEqual([
    { missing: false, second: 2 },
    { missing: true, second: null },
    { missing: false, second: 4 },
  ]);
});
