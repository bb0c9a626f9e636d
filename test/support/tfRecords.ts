import { readFileSync } from 'node:fs';
import { maskedCrc32c } from '../../src/core/benchmark/import/crc32c.js';
import { tfRecordChunks } from '../../src/core/benchmark/import/tfRecords.js';

/** Written by TensorFlow's own writer: test/interop/nasbench_tfrecord.py, see test/golden/README.md. */
export const tensorflowFile = new URL('../golden/tfrecord/cells.tfrecord', import.meta.url).pathname;

/** What the file holds: by hash and epochs, [repeat][evaluation][seconds, train, validation, test]. */
export const tensorflowTruth: Record<string, { parameters: number } & Record<string, number[][][]>> =
  JSON.parse(readFileSync(new URL('../golden/tfrecord/cells.json', import.meta.url), 'utf8'));

/** A TFRecord file of these records, checksums included. */
export function framed(records: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const data = Buffer.from(record as string);
      const head = Buffer.alloc(12);
      head.writeBigUInt64LE(BigInt(data.length));
      head.writeUInt32LE(maskedCrc32c(head, 0, 8), 8);
      const foot = Buffer.alloc(4);
      foot.writeUInt32LE(maskedCrc32c(data));
      return [head, data, foot];
    }),
  );
}

/** All records of a file. */
export async function recordsOf(path: string, limit = 1 << 16): Promise<string[]> {
  const records: string[] = [];
  for await (const { bytes, bounds } of tfRecordChunks(path, limit))
    for (let i = 0; i < bounds.length; i += 2)
      records.push(bytes.toString('latin1', bounds[i], bounds[i + 1]));
  return records;
}
