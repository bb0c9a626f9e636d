import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDetermined, rowsOf } from '../../src/core/batch/index.js';
import { flatten } from '../../src/core/controller/weights.js';
import { newestCheckpoint, openRun } from '../../src/core/run/index.js';

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** All that two equal runs have in common, to the bit: rows in their order, weights, tables, final figures. */
export function runDigest(dir: string) {
  const run = openRun(dir);
  const rows = createHash('sha256');
  let count = 0;
  for (const { event, batch, row } of run.records()) {
    if (!isDetermined(event)) continue;
    let index = row;
    for (const values of rowsOf(batch)) {
      const bits = Object.values(values).map((value) =>
        typeof value === 'number'
          ? Buffer.from(Float64Array.of(value).buffer).toString('hex')
          : String(value),
      );
      rows.update(`${event} ${index++} ${bits.join(' ')}\n`);
      count++;
    }
  }
  const { controller, position } = newestCheckpoint(dir).checkpoint!;
  const tables = readdirSync(dir).filter((name) => /^(?!stages-).*\.parquet$/.test(name)); // stages: the machine's times
  return {
    status: run.manifest.status,
    summary: run.manifest.summary,
    count,
    rows: rows.digest('hex'),
    position,
    weights: controller && sha256(new Uint8Array(flatten(controller.config, controller.weights).buffer)),
    tables: Object.fromEntries(tables.map((name) => [name, sha256(readFileSync(join(dir, name)))])),
  };
}
