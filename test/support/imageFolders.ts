import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stream } from '../../src/core/random/random.js';

/** An IDX file of bytes. */
export const idx = (sizes: readonly number[], data: Uint8Array): Buffer => {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.set([0, 0, 8, sizes.length]);
  for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, data]);
};

export interface Halves<T> {
  training: T;
  test: T;
}

const names = { training: 'train', test: 't10k' };

/** Images whose class shows: noise, brighter in the rows of the class. */
function bars(count: number, side: number, channels: number, classes: number, name: string) {
  const random = stream(5, name);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % classes);
  const pixels = Uint8Array.from({ length: count * side * side * channels }, (_, i) => {
    const row = Math.floor(i / (side * channels)) % side;
    const label = labels[Math.floor(i / (side * side * channels))]!;
    return random.int(120) + (Math.floor((row * classes) / side) === label ? 130 : 0);
  });
  return { labels, pixels };
}

/** Write a folder of four IDX files, of learnable grey images of `side`×`side` in `classes` classes. */
export function writeIdxFolder(
  folder: string,
  { training, test, side = 8, classes = 4 }: Halves<number> & { side?: number; classes?: number },
): string {
  mkdirSync(folder, { recursive: true });
  for (const [half, count] of Object.entries({ training, test })) {
    const { pixels, labels } = bars(count, side, 1, classes, half);
    const name = names[half as keyof typeof names];
    writeFileSync(join(folder, `${name}-images-idx3-ubyte`), idx([count, side, side], pixels));
    writeFileSync(join(folder, `${name}-labels-idx1-ubyte`), idx([count], labels));
  }
  return folder;
}

/** Bytes of a file of CIFAR-10's binary form with `count` learnable images. */
export function cifar10Records(count: number, name: string): Buffer {
  const { pixels, labels } = bars(count, 32, 3, 10, name);
  const bytes = Buffer.alloc(count * 3073);
  for (let image = 0; image < count; image++) {
    bytes[image * 3073] = labels[image]!;
    for (let pixel = 0; pixel < 1024; pixel++)
      for (let channel = 0; channel < 3; channel++)
        bytes[image * 3073 + 1 + channel * 1024 + pixel] = pixels[(image * 1024 + pixel) * 3 + channel]!;
  }
  return bytes;
}

/** Write a folder in CIFAR-10's binary form with `each` images a training file. */
export function writeCifar10Folder(folder: string, each: number, test: number): string {
  mkdirSync(folder, { recursive: true });
  for (let batch = 1; batch <= 5; batch++)
    writeFileSync(join(folder, `data_batch_${batch}.bin`), cifar10Records(each, `batch ${batch}`));
  writeFileSync(join(folder, 'test_batch.bin'), cifar10Records(test, 'test'));
  return folder;
}
