import type { TrainingSettings } from '../../engine/tfjs/cellTrainer.js';
import type { SplitSizes } from './images/splits.js';
import type { NetworkShape } from './network.js';

/** Everything that decides a cell's accuracy, but for the cell, the repeat and the machine's arithmetic. */
export interface Protocol {
  /** Goes into logs and tables: figures of two protocols are never mixed. */
  name: string;
  /** Chooses the images, and with cell and repeat the weights and the order of the images. */
  seed: number;
  images: SplitSizes;
  network: NetworkShape;
  training: TrainingSettings;
}

/** How the embedded benchmark was measured; see datasets/README.md. Changing a figure here makes another benchmark. */
export const mnistProtocol: Protocol = {
  name: 'mnist8-v1',
  seed: 2103_08157,
  images: { training: 1000, validation: 1500, test: 3000, side: 8 },
  network: { imageChannels: 1, channels: 16, stacks: 3, cellsAStack: 1, classes: 10 },
  training: { epochs: 3, batch: 100, learningRate: 0.02 },
};
