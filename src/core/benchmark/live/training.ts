import type { TrainingResult } from '../../engine/tfjs/cellTrainer.js';
import { nasbench101 } from '../../space/nasbench101.js';
import type { CellCode } from '../../space/space.js';
import type { Executor } from '../../work/executor.js';
import type { ImageSource } from './images/sources.js';
import type { Protocol } from './protocol.js';

/** Which training of which cell. */
export interface TrainingJob {
  /** Canonical code of a nasbench101 cell. */
  cell: CellCode;
  /** Repeats of a cell, from 0, differ in initial weights and order of the images. */
  repeat: number;
}

/** One training as a unit of work: its result depends on this alone (and on the rounding of the machine's processor). */
export interface TrainingWork extends TrainingJob {
  protocol: Protocol;
  images: ImageSource;
}

/** One finished training. */
export interface Training extends TrainingJob, TrainingResult {
  /** Trainable parameters of the network. */
  parameters: number;
}

/** For messages. */
export const nameOfTraining = ({ cell, repeat }: TrainingJob): string =>
  `training ${repeat + 1} of the cell ${nasbench101.hash(cell)}`;

/** What trains cells. */
export type TrainingExecutor = Executor<TrainingWork, Training>;
