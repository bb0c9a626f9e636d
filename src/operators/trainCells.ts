import { defer, finalize, mergeMap, Observable, type OperatorFunction, takeWhile, tap } from 'rxjs';
import { z } from 'zod';
import type { Credit } from '../core/backpressure.js';
import type { JobTrainer, Training, TrainingJob } from '../core/benchmark/live/trainer.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface TrainCellsOptions {
  /** Starts a trainer; called when a job needs one more, `credit.capacity` times at most. */
  start(): JobTrainer;
  /** One for each trainer, held during a training. The source that pulls by it holds the jobs that wait. */
  credit: Credit;
}

/**
 * Trains cells, each in the next trainer that is free. Results come as they are ready; what they are depends on the job alone.
 * Trainers are stopped with the stream: by completion, error or unsubscription, also in the middle of a training.
 *
 *     jobs     a b   c d |
 *     out      ----b-a---d-c|      two trainers
 */
export const trainCells = defineOperator(
  {
    name: 'trainCells',
    kind: 'operator',
    summary: 'Trains the network of each cell from scratch, in processes of their own',
    params: z.strictObject({}),
    needs: ['start', 'credit'],
    input: { cell: 'uint32', repeat: 'int32' },
    output: {
      cell: 'uint32',
      repeat: 'int32',
      validation: 'float64',
      test: 'float64',
      parameters: 'int32',
      seconds: 'float64',
    },
    stability: 'beta',
    example: 'trainCells: {}',
  },
  ({ start, credit }: TrainCellsOptions): OperatorFunction<TrainingJob, Training> =>
    (jobs) =>
      new Observable((subscriber) => {
        const trainers: JobTrainer[] = [];
        const idle: JobTrainer[] = [];
        subscriber.add(() => {
          for (const trainer of trainers) trainer.stop();
        });
        const begin = () => {
          const trainer = start();
          trainers.push(trainer);
          return trainer;
        };
        const train = async (job: TrainingJob) => {
          const trainer = idle.pop() ?? begin();
          const training = await trainer.train(job);
          idle.push(trainer);
          return training;
        };
        let held = 0;
        const take = () => {
          held++;
          credit.take();
        };
        const give = () => {
          if (held === 0) return; // the consumer has left, and all was given back
          held--;
          credit.give();
        };
        const trained = jobs.pipe(
          // Credit that returns while the consumer leaves must not draw further jobs.
          takeWhile(() => !subscriber.closed),
          tap(take),
          mergeMap((job) => defer(() => train(job)).pipe(finalize(give)), credit.capacity),
        );
        trained.subscribe(subscriber);
        // Also for jobs that wait, where the source is not pulled.
        subscriber.add(() => {
          while (held > 0) give();
        });
      }),
);
