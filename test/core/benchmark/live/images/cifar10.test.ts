import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readCifar10Folder } from '../../../../../src/core/benchmark/live/images/cifar10.js';
import { cifar10Records, writeCifar10Folder } from '../../../../support/imageFolders.js';
import { temporaryFolder } from '../../../../support/temporaryFolder.js';

it('is read with its colours pixel by pixel, the five training files in turn', () => {
  const folder = writeCifar10Folder(temporaryFolder(), 4, 3);
  const { training, test } = readCifar10Folder(folder);
  expect(training).toMatchObject({ count: 20, rows: 32, columns: 32, channels: 3 });
  expect([...training.labels]).toEqual(Array.from({ length: 20 }, (_, i) => i % 4));
  expect(test.count).toBe(3);
  const record = cifar10Records(4, 'batch 2').subarray(3073, 2 * 3073); // image 5
  for (const [row, column] of [
    [0, 0],
    [7, 31],
    [31, 30],
  ] as const)
    for (let channel = 0; channel < 3; channel++)
      expect(training.pixels[((5 * 32 + row) * 32 + column) * 3 + channel]).toBe(
        record[1 + channel * 1024 + row * 32 + column],
      );
});

it('is refused where a file is missing, cut, of another length or mislabelled, with file and offset', () => {
  const refused = (folder: string, ...says: string[]) => {
    const says_ = says.map((text) => expect.stringContaining(text));
    try {
      readCifar10Folder(folder);
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 3 });
      for (const each of says_) expect((error as Error).message).toEqual(each);
      return;
    }
    throw new Error('it was accepted');
  };
  const folder = writeCifar10Folder(temporaryFolder(), 3, 2);
  const file = join(folder, 'data_batch_3.bin');
  const whole = cifar10Records(3, 'batch 3');

  fc.assert(
    fc.property(fc.nat(whole.length - 1), (length) => {
      writeFileSync(file, whole);
      truncateSync(file, length);
      const record = Math.floor(length / 3073);
      // Cut between two records it is shorter than the other batches.
      refused(
        folder,
        file,
        length > 0 && length % 3073 === 0 ? `offset ${length}` : `offset ${record * 3073} `,
      );
    }),
    { numRuns: 60, examples: [[0], [3073], [6146]] },
  );
  fc.assert(
    fc.property(fc.nat(2), fc.integer({ min: 10, max: 255 }), (record, label) => {
      const bytes = Buffer.from(whole);
      bytes[record * 3073] = label;
      writeFileSync(file, bytes);
      refused(folder, file, `offset ${record * 3073} `, `label ${label}`);
    }),
    { numRuns: 20 },
  );
  writeFileSync(file, Buffer.concat([whole, whole.subarray(0, 3073)]));
  refused(folder, 'data_batch_1.bin', 'offset 9219');
  rmSync(file);
  refused(folder, file);
});

it('is refused where the test file of a set as large as CIFAR-10 is cut between two records', () => {
  const folder = temporaryFolder();
  const zeros = (name: string, records: number) => {
    writeFileSync(join(folder, name), '');
    truncateSync(join(folder, name), records * 3073);
  };
  for (let batch = 1; batch <= 5; batch++) zeros(`data_batch_${batch}.bin`, 10_000);
  zeros('test_batch.bin', 9_999);
  expect(() => readCifar10Folder(folder)).toThrow(
    /test_batch\.bin ends after 9999 records \(offset 30726927\)/,
  );
});
