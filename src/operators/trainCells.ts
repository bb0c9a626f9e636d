import { defer, finalize, mergeMap, Observable, type OperatorFunction, takeWhile, tap } from 'rxjs';
import { z } from 'zod';
import type { Credit } from '../core/backpressure.js';
import type { Training, TrainingExecutor, TrainingWork } from '../core/benchmark/live/training.js';
import { defineOperator } from '../core/spec/defineOperator.js';

export interface TrainCellsOptions {
  /** Gives what trains, when the first work comes; it is closed with the stream. */
  start(): TrainingExecutor;
  /** One for each slot of the executor, held during a training. The source that pulls by it holds the work that waits. */
  credit: Credit;
}

/**
 * Trains cells, several at once. Results come as they are ready; what they are depends on the work alone.
 * The executor is closed with the stream: by completion, error or unsubscription, also in the middle of a training.
 *
 *     work     a b   c d |
 *     out      ----b-a---d-c|      two slots
 */
export const trainCells = defineOperator(
  {
    name: 'trainCells',
    kind: 'operator',
    summary: 'Trains the network of each cell from scratch, in processes of their own',
    params: z.strictObject({}),
    needs: ['start', 'credit'],
    takes: 'rows',
    gives: 'rows',
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
  ({ start, credit }: TrainCellsOptions): OperatorFunction<TrainingWork, Training> =>
    (work) =>
      new Observable((subscriber) => {
        let executor: TrainingExecutor | undefined;
        subscriber.add(() => executor?.close());
        const train = (unit: TrainingWork) => {
          executor ??= start();
          return executor.run(unit);
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
        const trained = work.pipe(
          // Credit that returns while the consumer leaves must not draw further work.
          takeWhile(() => !subscriber.closed),
          tap(take),
          mergeMap((unit) => defer(() => train(unit)).pipe(finalize(give)), credit.capacity),
        );
        trained.subscribe(subscriber);
        // Also for work that waits, where the source is not pulled.
        subscriber.add(() => {
          while (held > 0) give();
        });
      }),
);
