import { CellTrainer } from '../../engine/tfjs/cellTrainer.js';
import { loadTfjs } from '../../engine/tfjs/load.js';
import { failure, type RxnasError } from '../../errors.js';
import { stream } from '../../random/random.js';
import { readSource } from './images/sources.js';
import { imageSplits } from './images/splits.js';
import { networkPlan, parameterCount } from './network.js';
import type { Training, TrainingWork } from './training.js';

/** The trainer of the last work: units that follow each other mostly want the same images. */
let held: { key: string; trainer: CellTrainer } | undefined;

/**
 * Carries out one training in this process, whose TensorFlow gets one thread. Rejects with exit code 1 where tfjs-node does not load, 3 where the
 * images are missing or others.
 */
export async function trainCell({ cell, repeat, protocol, images }: TrainingWork): Promise<Training> {
  const trainer = await trainerOf({ protocol, images });
  const plan = networkPlan(cell, protocol.network);
  const random = stream(protocol.seed, 'train', cell, repeat);
  const result = await trainer.train(plan, protocol.training, random);
  return { cell, repeat, parameters: parameterCount(plan), ...result };
}

async function trainerOf({ protocol, images }: Pick<TrainingWork, 'protocol' | 'images'>) {
  const key = JSON.stringify([images, protocol.images, protocol.seed]);
  if (held?.key === key) return held.trainer;
  const tf = await loadTfjs({ intraOpThreads: 1 }).catch((error: RxnasError) => {
    throw failure(`training needs tfjs-node: ${error.message}`, error.hint, { cause: error });
  });
  held?.trainer.dispose();
  held = undefined;
  const trainer = new CellTrainer(tf, imageSplits(readSource(images), protocol.images, protocol.seed));
  held = { key, trainer };
  return trainer;
}
