import { lastValueFrom, of, take, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import { Credit } from '../../src/core/backpressure.js';
import { mnistProtocol as protocol } from '../../src/core/benchmark/live/protocol.js';
import type { TrainingExecutor, TrainingWork } from '../../src/core/benchmark/live/training.js';
import { pull } from '../../src/operators/pull.js';
import { trainCells } from '../../src/operators/trainCells.js';
import { operatorConformance } from '../conformance/operator.js';

let open = 0;
let started = 0;

/** Trainings last as many milliseconds as the cell's code says; a negative one fails. */
function fakeExecutor(slots: number): TrainingExecutor {
  open++;
  started++;
  return {
    slots,
    async run({ cell, repeat }) {
      if (cell < 0) throw new Error('out of memory');
      await new Promise((resolve) => setTimeout(resolve, cell));
      return { cell, repeat, validation: 0.5, test: 0.5, parameters: 1, seconds: 1 };
    },
    async close() {
      open--;
    },
  };
}

const images = { format: 'idx', folder: '', sha256: '' } as const;
const jobs = (...cells: number[]) =>
  cells.map((cell): TrainingWork => ({ cell, repeat: 0, protocol, images }));
const operator = (slots = 2) => {
  const credit = new Credit(slots);
  return { credit, train: trainCells({ start: () => fakeExecutor(slots), credit }) };
};

operatorConformance('trainCells', {
  create: () => operator().train,
  items: () => jobs(1, 2, 0),
  atRest: () => expect(open).toBe(0),
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

it('gives results as they are ready, no more at once than there is credit for', async () => {
  started = 0;
  const { credit, train } = operator();
  const trained = await lastValueFrom(pull(counted(80, 5, 10, 15, 1).source, credit).pipe(train, toArray()));
  expect(trained.map(({ cell }) => cell)).toEqual([5, 10, 15, 1, 80]);
  expect(started).toBe(1);
  expect(credit).toMatchObject({ free: 2, peak: 2 });
});

it('leaves jobs at a pulled source until a slot is free', async () => {
  const { credit, train } = operator(1);
  const { count, source } = counted(1, 1, 1, 1, 1);
  await lastValueFrom(pull(source, credit).pipe(train, take(2)));
  expect(count.taken).toBeLessThanOrEqual(3);
  expect(credit.free).toBe(1);
  expect(open).toBe(0);
});

it('starts nothing without work, and hands on what the executor reports', async () => {
  started = 0;
  await lastValueFrom(of(...jobs()).pipe(operator().train, toArray()));
  expect(started).toBe(0);
  await expect(lastValueFrom(of(...jobs(3, -1, 3)).pipe(operator().train))).rejects.toThrow('out of memory');
  expect(open).toBe(0);
});
