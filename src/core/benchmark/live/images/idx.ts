import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { dataError, type RxnasError } from '../../../errors.js';
import type { RawHalves, RawImages } from './raw.js';

/** Larger than any image set in this format; what a small compressed file may at most unpack to. */
const largest = 2 ** 31;

const again = 'the file is cut or damaged: fetch it again';

/** An IDX file of bytes: magic 0x0000 08 dd with dd dimensions, their sizes as big-endian uint32, then the data, row-major. */
export function readIdx(file: string): { sizes: number[]; bytes: Uint8Array } {
  const content = readPlainOrGzip(file);
  const dimensions = content[3] ?? 0;
  const start = 4 + 4 * dimensions;
  if (content.length < 4 || content.readUInt16BE(0) !== 0)
    throw dataError(`${file} is no IDX file: it does not begin with two zero bytes`, 'give an IDX file');
  if (content[2] !== 8)
    throw dataError(
      `${file}: offset 2: data type 0x${content[2]!.toString(16).padStart(2, '0')}, not 0x08 (bytes)`,
      'images and labels are IDX files of unsigned bytes',
    );
  if (dimensions < 1 || content.length < start)
    throw dataError(
      `${file}: offset 3: ${dimensions} dimensions, which do not fit into ${content.length} bytes`,
      again,
    );
  const sizes = Array.from({ length: dimensions }, (_, i) => content.readUInt32BE(4 + 4 * i));
  const expected = sizes.reduce((a, b) => a * b, 1);
  const found = content.length - start;
  if (found !== expected)
    throw dataError(
      `${file}: its header says ${sizes.join(' × ')} = ${expected} bytes from offset ${start} on, there are ${found}`,
      again,
    );
  return { sizes, bytes: content.subarray(start) };
}

function readPlainOrGzip(file: string): Buffer {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw dataError(`cannot read ${file}: ${(error as Error).message}`, 'check the path', { cause: error });
  }
  if (!file.endsWith('.gz')) return content;
  try {
    return gunzipSync(content, { maxOutputLength: largest });
  } catch (error) {
    throw dataError(`${file} cannot be unpacked: ${(error as Error).message}`, again, { cause: error });
  }
}

/**
 * The two halves in a folder of four IDX files: MNIST's names (`train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`, …) and their
 * variants (`emnist-letters-train-images.idx3-ubyte`, `test-…`), each as it is or as `.gz`. Throws exit code 3.
 */
export function readIdxFolder(folder: string): RawHalves {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw missing(`cannot read the folder ${folder}: ${(error as Error).message}`, error);
  }
  const half = (which: string, what: RegExp) => readHalf(folder, names, which, what);
  const halves = { training: half('train', /train/), test: half('t10k (or test)', /t10k|test/) };
  const size = ({ rows, columns }: RawImages) => `${rows}×${columns}`;
  if (size(halves.training) !== size(halves.test))
    throw dataError(
      `${folder}: training images are ${size(halves.training)}, test images ${size(halves.test)}`,
      'the files must be of one data set',
    );
  return halves;
}

function readHalf(folder: string, names: readonly string[], which: string, half: RegExp): RawImages {
  const find = (what: 'images' | 'labels', dimensions: number) => {
    const form = new RegExp(`${what}[-.]idx${dimensions}-ubyte(\\.gz)?$`);
    const found = names.filter((name) => half.test(name) && form.test(name)).sort();
    const files = found.filter((name) => !name.endsWith('.gz') || !found.includes(name.slice(0, -3)));
    if (files.length === 1) return join(folder, files[0]!);
    const name = `${which}-${what}-idx${dimensions}-ubyte[.gz]`;
    if (files.length === 0) throw missing(`${folder} has no ${name}`);
    throw dataError(
      `${folder} has several files for ${name}: ${files.join(', ')}`,
      'give a folder with the four files of one data set',
    );
  };
  const imageFile = find('images', 3);
  const labelFile = find('labels', 1);
  const images = readIdx(imageFile);
  const labels = readIdx(labelFile);
  const [count = 0, rows = 0, columns = 0] = images.sizes;
  if (images.sizes.length !== 3 || labels.sizes.length !== 1)
    throw dataError(
      `${images.sizes.length === 3 ? labelFile : imageFile}: offset 3: it has ${(images.sizes.length === 3 ? labels : images).sizes.length} dimensions`,
      'images have 3 (count, rows, columns) and labels 1',
    );
  if (count === 0 || rows === 0 || columns === 0)
    throw dataError(`${imageFile}: offset 4: there are ${images.sizes.join(' × ')} pixels`, again);
  if (labels.sizes[0] !== count)
    throw dataError(
      `${imageFile} has ${count} images, ${labelFile} ${labels.sizes[0]} labels (offset 4 of each)`,
      'images and labels must be of one data set',
    );
  return { count, rows, columns, channels: 1, pixels: images.bytes, labels: labels.bytes };
}

const missing = (message: string, cause?: unknown): RxnasError =>
  dataError(message, 'give a folder with the four IDX files of a data set, packed (.gz) or not', { cause });
