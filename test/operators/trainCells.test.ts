import { lastValueFrom, of, take, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import type { JobTrainer, TrainingJob } from '../../src/core/benchmark/live/trainer.js';
import { pull } from '../../src/operators/pull.js';
import { trainCells } from '../../src/operators/trainCells.js';
import { operatorConformance } from '../conformance/operator.js';

let running = 0;
let started = 0;

/** A trainer whose trainings last as many milliseconds as the cell's code says; a negative one fails. */
function fakeTrainer(): JobTrainer {
  running++;
  started++;
  return {
    async train({ cell, repeat }) {
      if (cell < 0) throw new Error('out of memory');
      await new Promise((resolve) => setTimeout(resolve, cell));
      return { cell, repeat, validation: 0.5, test: 0.5, parameters: 1, seconds: 1 };
    },
    stop: () => {
      running--;
    },
  };
}

const jobs = (...cells: number[]) => cells.map((cell): TrainingJob => ({ cell, repeat: 0 }));
const operator = (processes = 2) => {
  const credit = new Credit(processes);
  return { credit, train: trainCells({ start: fakeTrainer, credit }) };
};

operatorConformance('trainCells', {
  create: () => operator().train,
  items: () => jobs(1, 2, 0),
  atRest: () => expect(running).toBe(0),
});

/** Counts the jobs that were taken from it. */
function counted(...cells: number[]) {
  const count = { taken: 0 };
  function* source() {
    for (const job of jobs(...cells)) {
      count.taken++;
      yield job;
    }
  }
  return { count, source: source() };
}

it('gives results as they are ready, from no more trainers than there is credit for', async () => {
  started = 0;
  const { credit, train } = operator();
  const trained = await lastValueFrom(pull(counted(80, 5, 10, 15, 1).source, credit).pipe(train, toArray()));
  expect(trained.map(({ cell }) => cell)).toEqual([5, 10, 15, 1, 80]);
  expect(started).toBe(2);
  expect(credit).toMatchObject({ free: 2, peak: 2 });
});

it('leaves jobs at a pulled source until a trainer is free', async () => {
  const { credit, train } = operator(1);
  const { count, source } = counted(1, 1, 1, 1, 1);
  await lastValueFrom(pull(source, credit).pipe(train, take(2)));
  expect(count.taken).toBeLessThanOrEqual(3);
  expect(credit.free).toBe(1);
  expect(running).toBe(0);
});

it('starts no trainer without a job, and hands on what a trainer reports', async () => {
  started = 0;
  await lastValueFrom(of(...jobs()).pipe(operator().train, toArray()));
  expect(started).toBe(0);
  await expect(lastValueFrom(of(...jobs(3, -1, 3)).pipe(operator().train))).rejects.toThrow('out of memory');
  expect(running).toBe(0);
});
