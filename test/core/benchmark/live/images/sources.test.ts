import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { openImages, readSource } from '../../../../../src/core/benchmark/live/images/sources.js';
import { writeCifar10Folder, writeIdxFolder } from '../../../../support/imageFolders.js';
import { temporaryFolder } from '../../../../support/temporaryFolder.js';

it('has MNIST of the package', () => {
  const { test, training } = openImages('mnist').halves;
  expect(training.count).toBe(60_000);
  expect(test).toMatchObject({ count: 10_000, rows: 28, columns: 28, channels: 1 });
  expect([...test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
});

it('knows a data set by what is in it, not by how it is packed', () => {
  const folder = writeIdxFolder(temporaryFolder(), { training: 12, test: 8 });
  const { source } = openImages(`idx:${folder}`);
  const file = join(folder, 'train-images-idx3-ubyte');
  const bytes = readFileSync(file);
  rmSync(file);
  writeFileSync(`${file}.gz`, gzipSync(bytes));
  expect(openImages(`idx:${folder}`).source).toEqual(source);
  expect(readSource(source).training.count).toBe(12);

  bytes[100]! ^= 1;
  writeFileSync(`${file}.gz`, gzipSync(bytes));
  expect(() => readSource(source)).toThrow(expect.objectContaining({ exitCode: 3 }));
  expect(openImages(`cifar10:${writeCifar10Folder(temporaryFolder(), 2, 1)}`).source.format).toBe('cifar10');
});

it('refuses names that it does not know with exit code 2, and says what is near', () => {
  const refused = (name: string, says: RegExp) => {
    expect(() => openImages(name)).toThrow(expect.objectContaining({ exitCode: 2 }));
    expect(() => openImages(name)).toThrow(says);
  };
  refused('mnits', /unknown data set 'mnits'/);
  refused('mnist:folder', /takes no folder/);
  refused('idx', /does not say where/);
  refused('cifar10:', /does not say where/);
});
