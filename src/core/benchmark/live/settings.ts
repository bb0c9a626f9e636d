import { createHash } from 'node:crypto';
import { z } from 'zod';
import { usageError } from '../../errors.js';
import type { RawHalves } from './images/raw.js';
import { type ImageSource, imageSetForms } from './images/sources.js';
import { checkSplits, classesOf } from './images/splits.js';
import { mnistProtocol, type Protocol } from './protocol.js';

const { images, network, training, seed } = mnistProtocol;

/** How live training is set. The defaults train as the embedded benchmark was trained, once a cell. */
export const liveParams = z.strictObject({
  data: z
    .string()
    .min(1)
    .describe(`images: ${imageSetForms.join(', ')}`),
  images: z.int().min(1).default(images.training).meta({ unit: 'images' }).describe('training images'),
  validation: z
    .int()
    .min(1)
    .default(images.validation)
    .meta({ unit: 'images' })
    .describe('validation images, of the training half'),
  test: z.int().min(1).default(images.test).meta({ unit: 'images' }).describe('test images'),
  side: z
    .int()
    .min(2)
    .max(256)
    .default(images.side)
    .meta({ unit: 'pixels' })
    .describe('pixels of a side that images are averaged down to'),
  channels: z
    .int()
    .min(8)
    .max(1024)
    .default(network.channels)
    .meta({ unit: 'channels' })
    .describe('channels of the first stack; each further one doubles them'),
  stacks: z
    .int()
    .min(1)
    .max(5)
    .default(network.stacks)
    .meta({ unit: 'stacks' })
    .describe('stacks of cells, with a max-pool between two'),
  cellsAStack: z
    .int()
    .min(1)
    .max(10)
    .default(network.cellsAStack)
    .meta({ unit: 'cells' })
    .describe('cells of a stack'),
  epochs: z
    .int()
    .min(1)
    .max(10_000)
    .default(training.epochs)
    .meta({ unit: 'epochs' })
    .describe('passes over the training images'),
  batch: z.int().min(2).default(training.batch).meta({ unit: 'images' }).describe('images a step'),
  learningRate: z
    .number()
    .positive()
    .default(training.learningRate)
    .describe('learning rate of Adam at the first step')
    .meta({ unit: 'factor' }),
  repeats: z
    .int()
    .min(1)
    .max(100)
    .default(1)
    .meta({ unit: 'trainings' })
    .describe('trainings a cell, which differ in initial weights and order of the images'),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .default(seed)
    .describe('chooses the images, and with cell and repeat weights and order')
    .meta({ unit: 'seed' }),
  secondsEach: z
    .number()
    .positive()
    .optional()
    .meta({ unit: 's' })
    .describe('CPU seconds after which a training stops where it is'),
  seconds: z
    .number()
    .positive()
    .optional()
    .meta({ unit: 's' })
    .describe('CPU seconds of training after which no further one is begun'),
  workers: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .meta({ unit: 'processes' })
    .describe(
      'training processes side by side; default: one a core. Over NATS: trainings on the server at once; default: 256',
    ),
  attempts: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .meta({ unit: 'attempts' })
    .describe('how often a training is begun whose process dies'),
  onGivenUp: z
    .enum(['fail', 'chance'])
    .default('fail')
    .describe(
      'what the lookup of a cell does whose training was given up: it fails, or has the accuracy of chance',
    ),
  cache: z
    .string()
    .min(1)
    .optional()
    .describe('folder of finished trainings; default: live in the cache folder of rxnas'),
});
export type LiveParams = z.output<typeof liveParams>;

/**
 * What goes into the name of a protocol beside its settings: to be raised when the trainer's arithmetic changes, so that figures of
 * both are never mixed.
 */
const trainerVersion = 1;

/**
 * The protocol of the parameters for a data set. Its name is a hash of everything that decides a cell's accuracy. Throws exit code 2 where they
 * do not go together.
 */
export function liveProtocol(params: LiveParams, { sha256 }: ImageSource, halves: RawHalves): Protocol {
  const { side, stacks, batch } = params;
  if (side >> (stacks - 1) < 1)
    throw usageError(
      `images of ${side}×${side} cannot be halved ${stacks - 1} times`,
      `give side=${2 ** (stacks - 1)} or more, or fewer stacks`,
    );
  if (batch > params.images)
    throw usageError(`batch is ${batch}, of only ${params.images} training images`, 'give a smaller batch');
  const imageChannels = halves.training.channels;
  // A test image of another class is an error of the network, as it should be.
  const classes = classesOf(halves.training.labels);
  const protocol = {
    seed: params.seed,
    images: { training: params.images, validation: params.validation, test: params.test, side },
    network: { imageChannels, channels: params.channels, stacks, cellsAStack: params.cellsAStack, classes },
    training: {
      epochs: params.epochs,
      batch,
      learningRate: params.learningRate,
      ...(params.secondsEach !== undefined && { seconds: params.secondsEach }),
    },
  };
  checkSplits(halves, protocol.images);
  const all = JSON.stringify({ trainer: trainerVersion, data: sha256, ...protocol });
  return { name: `live-${createHash('sha256').update(all).digest('hex').slice(0, 16)}`, ...protocol };
}
