import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { expect, it, onTestFinished } from 'vitest';
import { embeddingBatch } from '../../src/core/batch/index.js';
import { stream } from '../../src/core/random/random.js';
import { createRun, rebuildTables } from '../../src/core/run/index.js';
import { startChild } from '../support/child.js';
import { figure, fullSize as full } from '../support/figure.js';
import { python, startPython } from '../support/python.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

it('figure 4: kill -9 while Parquet is written: files that are there open, with the committed rows', async () => {
  const run = await createRun({ kind: 'fault', root: temporaryFolder(), spec: {}, seed: 1 });
  const rows = { metrics: 1000, queries: 0, embeddings: 5000 };
  for (let i = 0; i < rows.metrics; i++) {
    run.append('train', {
      round: 0,
      epoch: i,
      total: i,
      mse: 0,
      reconstruction: 0,
      gradient_norm: 0,
      learning_rate: 0,
    });
  }
  const cell = new Uint32Array(rows.embeddings);
  const hash = Array.from(cell, (_, i) => `hash ${i}`);
  run.append('embedding', embeddingBatch(16, { cell, hash, embedding: new Float32Array(16 * cell.length) }));
  run.close();

  const reader = python ? startPython(new URL('../interop/read.py', import.meta.url)) : undefined;
  onTestFinished(() => {
    reader?.stop();
  });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const check = async () => {
    let files = 0;
    for (const name of readdirSync(run.dir).filter((name) => name.endsWith('.parquet'))) {
      if (name.startsWith('.tmp')) continue;
      const file = join(run.dir, name);
      const expected = rows[name.split('-')[0] as keyof typeof rows];
      const { num_rows } = await parquetMetadataAsync(await asyncBufferFromFile(file));
      expect(Number(num_rows)).toBe(expected);
      const result = await connection.runAndReadAll(`select count(*)::INT as n from '${file}'`);
      expect(result.getRowObjects()).toEqual([{ n: expected }]);
      if (reader) expect(await reader.ask(['pyarrow_rows', file])).toBe(expected);
      files++;
    }
    return files;
  };

  const random = stream(21, 'kills');
  const kills = full ? 100 : 2;
  let opened = 0;
  for (let k = 0; k < kills; k++) {
    const child = startChild(new URL('./tableWriterProcess.ts', import.meta.url), run.dir);
    await child.lines.next();
    if (k > 0) await child.lines.next();
    await new Promise((resolve) => setTimeout(resolve, random.int(400)));
    child.process.kill('SIGKILL');
    await child.ended;
    opened += await check();
  }
  expect(await rebuildTables(run.dir)).toEqual({ metrics: rows.metrics, embeddings: rows.embeddings });
  expect(await check()).toBe(2);
  expect(readdirSync(run.dir).filter((name) => name.startsWith('.tmp'))).toEqual([]);
  figure(
    4,
    `killed ${kills} times: ${opened} of ${opened} visible files open in DuckDB${reader ? ' and pyarrow' : ' (pyarrow is not there)'}, rows as committed`,
  );
  connection.closeSync();
  instance.closeSync();
}, 7_200_000);
