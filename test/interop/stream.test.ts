import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RecordBatch } from 'apache-arrow';
import { from, lastValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { type Columns, cellBatch, rowsOf } from '../../src/core/batch/index.js';
import { toJetStream } from '../../src/operators/toJetStream.js';
import { natsServer, testServer } from '../support/nats.js';
import { python } from '../support/python.js';

const hasClient = (() => {
  if (!python) return false;
  try {
    execFileSync(python, ['-c', 'import nats'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const cells = (rows: number) =>
  cellBatch(3, {
    anchor: new Uint32Array(rows).fill(4_000_000_000),
    cell: Uint32Array.from({ length: rows }, (_, i) => i),
    label: new Int32Array(rows).fill(-1),
    edits: new Uint8Array(rows).fill(2),
    tokens: Int32Array.from({ length: rows * 3 }, (_, i) => i % 7),
  });

const sum = (batch: RecordBatch) => {
  let total = 0;
  for (const row of rowsOf(batch as RecordBatch<Columns>)) {
    for (const value of Object.values(row))
      for (const each of typeof value === 'number' ? [value] : (value as Int32Array)) total += each;
  }
  return total;
};

it.skipIf(!natsServer || !hasClient)(
  'Python reads the batches of a stream with nats-py and pyarrow',
  async () => {
    const server = await testServer();
    const sent: RecordBatch[] = [cells(100), cells(40_000), cells(1)];
    await lastValueFrom(
      from(sent).pipe(toJetStream({ stream: 'cells', event: 'cells', server: server.url, nats: {} })),
    );
    const script = fileURLToPath(new URL('stream.py', import.meta.url));
    const read = JSON.parse(execFileSync(python!, [script, server.url, 'cells'], { encoding: 'utf8' }));
    const schema = [
      ['anchor', 'uint32'],
      ['cell', 'uint32'],
      ['label', 'int32'],
      ['edits', 'uint8'],
      ['tokens', 'fixed_size_list<item: int32 not null>[3]'],
    ];
    expect(read).toEqual({
      end: 3,
      batches: sent.map((batch, index) => ({
        index,
        event: 'cells',
        parts: index === 1 ? 2 : 1,
        schema,
        rows: batch.numRows,
        sum: sum(batch),
      })),
    });
  },
);
