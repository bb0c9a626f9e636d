import { z } from 'zod';
import { nasbench101 } from '../../space/nasbench101.js';
import { type CellCode, NO_CELL } from '../../space/space.js';
import { fileReference, processesFor, type WorkKind } from '../../work/kind.js';
import { figure } from '../../work/message.js';
import type { ProcessExecutorOptions } from '../../work/processExecutor.js';
import { besideModule } from '../../workers.js';
import { packImages } from './images/packed.js';
import { readSource } from './images/sources.js';
import type { Protocol } from './protocol.js';
import { liveParams } from './settings.js';
import { nameOfTraining, type Training, type TrainingWork } from './training.js';

/** Large enough for every data set, small enough that a message cannot ask for all memory. */
const imageCount = z.int().min(1).max(10_000_000);

/** The ranges are those of the benchmark's parameters. */
const { side, channels, stacks, cellsAStack, epochs, batch, learningRate, seed } = liveParams.shape;
const protocolMessage: z.ZodType<Protocol> = z.strictObject({
  name: z.string().regex(/^[\w-]{1,100}$/),
  seed: seed.unwrap(),
  images: z.strictObject({
    training: imageCount,
    validation: imageCount,
    test: imageCount,
    side: side.unwrap(),
  }),
  network: z.strictObject({
    imageChannels: z.union([z.literal(1), z.literal(3)]),
    channels: channels.unwrap(),
    stacks: stacks.unwrap(),
    cellsAStack: cellsAStack.unwrap(),
    classes: z.int().min(1).max(256),
  }),
  training: z.strictObject({
    epochs: epochs.unwrap(),
    batch: batch.unwrap(),
    learningRate: learningRate.unwrap(),
    seconds: z.number().positive().exactOptional(),
  }),
});

const isCanonical = (cell: CellCode) => cell !== NO_CELL && nasbench101.canonical(cell) === cell;

/** Live training as a kind of work: each unit in a process with one thread, as two of them train twice as much as one with two threads. */
export const trainingKind: WorkKind<TrainingWork, Training> = {
  name: 'training',
  summary: 'the network of a NAS-Bench-101 cell, trained from scratch',
  message: z.strictObject({
    cell: z.int().min(0).max(0xffff_ffff).refine(isCanonical, 'is no canonical cell of nasbench101'),
    repeat: z.int().min(0).max(100),
    protocol: protocolMessage,
    images: z.strictObject({
      format: z.literal('packed'),
      folder: z.string().regex(fileReference),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  }),
  result: ({ cell, repeat }) =>
    z.strictObject({
      cell: z.literal(cell),
      repeat: z.literal(repeat),
      parameters: z.int().min(0),
      validation: figure,
      test: figure,
      seconds: z.number().min(0),
      stopped: z.enum(['diverged', 'time']).exactOptional(),
    }),
  describe: nameOfTraining,
  load: async () => (await import('./trainCell.js')).trainCell,
  script: besideModule(import.meta.url, './trainingProcess.js'),
  // A network's tensors come and go thousands of times a second: keep their pages instead of giving them back.
  env: {
    MALLOC_MMAP_MAX_: '0',
    MALLOC_TOP_PAD_: `${64 << 20}`,
    MALLOC_TRIM_THRESHOLD_: `${1 << 30}`,
  },
  async toMessage({ images, ...work }, files) {
    const { sha256 } = images;
    const content = () => packImages(readSource(images));
    const folder = await files.send({ name: `${sha256.slice(0, 16)}.images`, content });
    return { ...work, images: { format: 'packed', folder, sha256 } };
  },
  async fromMessage(work, files) {
    return { ...work, images: { ...work.images, folder: await files.fetch(work.images.folder) } };
  },
};

/** Trains cells in processes of their own; results do not depend on how many there are. */
export const trainingProcesses = ({
  attempts = 3,
  ...options
}: Pick<ProcessExecutorOptions<TrainingWork>, 'slots' | 'onCrash'> & { attempts?: number }) =>
  processesFor(trainingKind, { attempts, ...options });
