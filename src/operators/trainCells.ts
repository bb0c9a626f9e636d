import { Observable, type OperatorFunction } from 'rxjs';
import {
  Trainer,
  type TrainerOptions,
  type Training,
  type TrainingJob,
} from '../core/benchmark/live/trainer.js';

export interface TrainCellsOptions extends TrainerOptions {
  /** Training processes side by side. */
  processes: number;
}

/**
 * Train cells in processes of their own. Results come as they are ready; their values depend on job and protocol alone.
 * Jobs are taken from an iterable as processes become free. Unsubscribing ends the processes.
 *
 *     jobs     a b c d
 *     out      ---b-a---d-c|      two processes
 */
export function trainCells(options: TrainCellsOptions): OperatorFunction<TrainingJob, Training> {
  return (jobs) =>
    new Observable((subscriber) => {
      const waiting: TrainingJob[] = [];
      const idle: ((job: TrainingJob | undefined) => void)[] = [];
      let ended = false;
      const trainers: Trainer[] = [];

      const next = () =>
        new Promise<TrainingJob | undefined>((resolve) => {
          const job = waiting.shift();
          if (job || ended) resolve(job);
          else idle.push(resolve);
        });
      const work = async () => {
        // The first job decides whether a process is needed at all.
        let job = await next();
        if (!job || subscriber.closed) return;
        const trainer = await Trainer.start(options);
        trainers.push(trainer);
        if (subscriber.closed) trainer.stop();
        for (; job && !subscriber.closed; job = await next()) subscriber.next(await trainer.train(job));
        trainer.stop();
      };

      subscriber.add(() => {
        ended = true;
        waiting.length = 0;
        for (const take of idle.splice(0)) take(undefined);
        for (const trainer of trainers) trainer.stop();
      });
      subscriber.add(
        jobs.subscribe({
          next: (job) => {
            const take = idle.shift();
            if (take) take(job);
            else waiting.push(job);
          },
          error: (error) => subscriber.error(error),
          complete: () => {
            ended = true;
            for (const take of idle.splice(0)) take(undefined);
          },
        }),
      );
      Promise.all(Array.from({ length: options.processes }, work)).then(
        () => subscriber.complete(),
        (error) => subscriber.error(error),
      );
    });
}
