import type { ImageSplits, LabelledImages } from '../../../engine/tfjs/cellTrainer.js';
import { usageError } from '../../../errors.js';
import { stream } from '../../../random/random.js';
import type { RawHalves, RawImages } from './raw.js';

/** What of a data set is used. */
export interface SplitSizes {
  /** Training images, as many of each class (or one more, where it does not divide). */
  training: number;
  validation: number;
  test: number;
  /** Pixels of a side after {@link shrink}. */
  side: number;
}

/**
 * Training images and validation images from the training half, disjoint, and test images from the test half; drawn by `seed` and
 * made small. Throws exit code 2 where there are not enough, see {@link checkSplits}.
 */
export function imageSplits(halves: RawHalves, sizes: SplitSizes, seed: number): ImageSplits {
  checkSplits(halves, sizes);
  const { training, test } = halves;
  const left = quotas(training.labels, sizes.training);
  const chosen: number[] = [];
  const rest: number[] = [];
  for (const image of shuffled(training.count, seed, 'training images')) {
    const label = training.labels[image]!;
    if (left[label]! > 0) {
      left[label]!--;
      chosen.push(image);
    } else rest.push(image);
  }
  return {
    training: shrink(training, chosen, sizes.side),
    validation: shrink(training, rest.slice(0, sizes.validation), sizes.side),
    test: shrink(test, [...shuffled(test.count, seed, 'test images').subarray(0, sizes.test)], sizes.side),
  };
}

/** Throws exit code 2 where a data set has not the images that are wanted of it. */
export function checkSplits({ training, test }: RawHalves, sizes: SplitSizes): void {
  const enough = (what: string, wanted: number, there: number) => {
    if (wanted > there)
      throw usageError(
        `cannot take ${wanted} ${what}: the data set has ${there}`,
        'take no more than there are',
      );
  };
  enough('training and validation images', sizes.training + sizes.validation, training.count);
  enough('test images', sizes.test, test.count);
  const smallest = Math.min(training.rows, training.columns);
  if (sizes.side > smallest)
    throw usageError(
      `images of ${training.rows}×${training.columns} cannot be made ${sizes.side}×${sizes.side}`,
      `give a side of at most ${smallest}`,
    );
  const lacking = quotas(training.labels, sizes.training);
  for (const label of training.labels) lacking[label]!--;
  const scarce = lacking.findIndex((count) => count > 0);
  if (scarce >= 0)
    throw usageError(
      `cannot take ${sizes.training} training images, as many of each class: class ${scarce} has ${lacking[scarce]} too few`,
      'take fewer',
    );
}

/** Classes of a data set: labels are below it. */
export const classesOf = (labels: Uint8Array): number =>
  labels.reduce((most, label) => Math.max(most, label), 0) + 1;

/** How many of `total` images each class gets, by label; none where a label does not occur. */
function quotas(labels: Uint8Array, total: number): number[] {
  const occurring = [...new Set(labels)].sort((a, b) => a - b);
  const each = new Array<number>(classesOf(labels)).fill(0);
  occurring.forEach((label, i) => {
    each[label] = Math.floor(total / occurring.length) + (i < total % occurring.length ? 1 : 0);
  });
  return each;
}

const shuffled = (count: number, seed: number, name: string) =>
  stream(seed, name).shuffle(Uint32Array.from({ length: count }, (_, i) => i));

/**
 * The centre of each image as one of `side`×`side` in [0, 1], every pixel the mean of a block as large as fits: of MNIST's 28×28 with side 8
 * the middle 24×24 (its digits lie in the middle 20×20), averaged over 3×3.
 */
export function shrink(
  { rows, columns, channels, pixels, labels }: RawImages,
  chosen: readonly number[],
  side: number,
): LabelledImages {
  const scale = Math.floor(Math.min(rows, columns) / side);
  const top = (rows - scale * side) >> 1;
  const left = (columns - scale * side) >> 1;
  const images = new Float32Array(chosen.length * side * side * channels);
  let out = 0;
  for (const image of chosen)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          for (let dy = 0; dy < scale; dy++) {
            const row = (image * rows + top + scale * y + dy) * columns + left + scale * x;
            for (let dx = 0; dx < scale; dx++) sum += pixels[(row + dx) * channels + channel]!;
          }
          images[out++] = sum / (255 * scale * scale);
        }
  return {
    count: chosen.length,
    side,
    channels,
    images,
    labels: Uint8Array.from(chosen, (image) => labels[image]!),
  };
}
