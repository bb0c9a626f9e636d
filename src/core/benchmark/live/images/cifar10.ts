import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataError } from '../../../errors.js';
import type { RawHalves, RawImages } from './raw.js';

const side = 32;
const plane = side * side;
const classes = 10;
/** A label, then the red, the green and the blue plane, row-major. */
const recordBytes = 1 + 3 * plane;
/** Records of each file of CIFAR-10 itself. */
const official = 10_000;

const trainingFiles = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
const testFile = 'test_batch.bin';

const hint =
  'give the folder cifar-10-batches-bin of the “binary version” of CIFAR-10 (data_batch_1.bin … data_batch_5.bin, test_batch.bin)';

/**
 * A folder in the binary form of CIFAR-10: `data_batch_1.bin` to `data_batch_5.bin` of as many records each, and
 * `test_batch.bin`. Throws exit code 3, with file and offset, where one is missing, cut, of another size or has a label beyond 9.
 */
export function readCifar10Folder(folder: string): RawHalves {
  const batches = trainingFiles.map((name) => readRecords(join(folder, name)));
  const test = readRecords(join(folder, testFile));
  const most = Math.max(...batches.map(countOf));
  batches.forEach((batch, i) => {
    if (countOf(batch) < most) throw short(join(folder, trainingFiles[i]!), batch, most);
  });
  // A set of another size is somebody's own; one whose training half is CIFAR-10's has its test half too.
  if (most === official && countOf(test) !== official) throw short(join(folder, testFile), test, official);
  return { training: toImages(batches), test: toImages([test]) };
}

const countOf = (records: Uint8Array) => records.length / recordBytes;

const short = (file: string, records: Uint8Array, expected: number) =>
  dataError(
    `${file} ends after ${countOf(records)} records (offset ${records.length}) where there should be ${expected}`,
    'the file is cut or of another data set: fetch it again',
  );

function readRecords(file: string): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw dataError(`cannot read ${file}: ${(error as Error).message}`, hint, { cause: error });
  }
  const rest = bytes.length % recordBytes;
  if (bytes.length === 0 || rest !== 0)
    throw dataError(
      `${file} is no whole number of records: ${bytes.length} bytes, record ${Math.floor(bytes.length / recordBytes)} at offset ${bytes.length - rest} has ${rest} of ${recordBytes}`,
      hint,
    );
  for (let offset = 0; offset < bytes.length; offset += recordBytes)
    if (bytes[offset]! >= classes)
      throw dataError(
        `${file}: offset ${offset} (record ${offset / recordBytes}): label ${bytes[offset]}, of 0 to ${classes - 1}`,
        `the file is damaged or of another kind; ${hint}`,
      );
  return bytes;
}

/** Planes of a colour become pixels of three. */
function toImages(files: readonly Uint8Array[]): RawImages {
  const count = files.reduce((sum, records) => sum + countOf(records), 0);
  const pixels = new Uint8Array(count * 3 * plane);
  const labels = new Uint8Array(count);
  let image = 0;
  for (const records of files)
    for (let at = 0; at < records.length; at += recordBytes, image++) {
      labels[image] = records[at]!;
      for (let channel = 0; channel < 3; channel++) {
        const from = at + 1 + channel * plane;
        let to = image * 3 * plane + channel;
        for (let pixel = 0; pixel < plane; pixel++, to += 3) pixels[to] = records[from + pixel]!;
      }
    }
  return { count, rows: side, columns: side, channels: 3, pixels, labels };
}
