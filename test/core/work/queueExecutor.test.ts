import { expect, it } from 'vitest';
import { SimulatedQueue, type SimulationOptions, VirtualTime } from '../../../bench/simulatedQueue.js';
import { QueueExecutor, type WorkQueue } from '../../../src/core/work/queueExecutor.js';
import { type Answer, testKind, type Unit } from './testKind.js';

/** An executor on simulated workers; `over` is what they are like. */
function simulated(over: Partial<SimulationOptions> = {}, slots = 256) {
  const time = new VirtualTime();
  const queue = new SimulatedQueue({
    ...{ time, seed: 1, workers: 50, mean: 20, spread: 4, dying: 0, twice: 0, untold: 0 },
    ...{ latency: 20, lease: 30_000, comes: 60 },
    result: (work) => ({ value: (work as Unit).value, pid: 1 }),
    ...over,
  });
  const notes: string[] = [];
  const options = {
    queue,
    run: () => 'run',
    slots,
    attempts: 3,
    clock: time,
    onNote: (line: string) => notes.push(line),
  };
  return { time, queue, notes, executor: new QueueExecutor<Unit, Answer>(testKind, options) };
}

async function runAll({ time, executor }: ReturnType<typeof simulated>, units: number) {
  const values = Array.from({ length: units }, (_, value) => value);
  let all: number[] | undefined;
  void Promise.all(values.map((value) => executor.run({ kind: 'echo', value }))).then((answers) => {
    all = answers.map(({ value }) => value as number);
  });
  await time.run(() => all !== undefined);
  expect(all).toEqual(values);
}

it('keeps no more outstanding than it has slots, and loses nothing where workers die, and answers are lost or come twice', async () => {
  const simulation = simulated({ dying: 0.1, twice: 0.2, untold: 0.05 }, 64);
  await runAll(simulation, 1000);
  const { executor, queue } = simulation;
  expect(executor.counts).toMatchObject({ answered: 1000, refused: 0, givenUp: 0 });
  expect(executor.counts.duplicates).toBeGreaterThan(100);
  expect(queue.counts.deaths).toBeGreaterThan(60);
  expect(queue.counts.most).toBeLessThanOrEqual(64);
  // A unit is begun again only where a worker died over it.
  expect(queue.counts.begun).toBeLessThanOrEqual(1000 + queue.counts.deaths + executor.counts.duplicates);
});

it('has the same answers for one worker and for many', async () => {
  await runAll(simulated({ workers: 1, mean: 1 }), 200);
  await runAll(simulated({ workers: 1000, mean: 1, seed: 2 }, 1000), 200);
});

it('asks again for what the queue has lost', async () => {
  const simulation = simulated();
  let lost = 0;
  const { queue } = simulation;
  const offer = queue.offer.bind(queue);
  queue.offer = async (key, unit) => {
    if (lost++ < 30) return true; // acknowledged, and forgotten: the store was lost
    return offer(key, unit);
  };
  await runAll(simulation, 100);
  expect(simulation.executor.counts.answered).toBe(100);
});

it('says so where nobody works', async () => {
  const simulation = simulated({ workers: 0 });
  simulation.queue.workers = async () => 0;
  simulation.executor.run({ kind: 'echo', value: 1 }).catch(() => {});
  await simulation.time.run(() => simulation.notes.length > 0);
  expect(simulation.notes[0]).toMatch(
    /^1 units of work wait, and no worker is there: start some with rxnas worker/,
  );
  expect(simulation.time.now()).toBeLessThan(60_000);
  await simulation.executor.close();
});

it('the same unit asked for twice is one', async () => {
  const simulation = simulated();
  const { executor, time } = simulation;
  const answers = Promise.all([1, 1, 1].map((value) => executor.run({ kind: 'echo', value })));
  let done = false;
  void answers.then(() => {
    done = true;
  });
  await time.run(() => done);
  expect((await answers).map(({ value }) => value)).toEqual([1, 1, 1]);
  expect(executor.counts.offered).toBe(1);
});

it('fails all work with the error of a server that is lost, and takes its units back when it is closed', async () => {
  const calls: string[] = [];
  let lose = (_: Error) => {};
  const queue: WorkQueue = {
    async listen(_, __, onLost) {
      lose = onLost;
      return new Set();
    },
    async offer() {
      calls.push('offer');
      return true;
    },
    answer: async () => undefined,
    forget: async () => {},
    async withdraw() {
      calls.push('withdraw');
    },
    workers: async () => 1,
    files: { send: async () => '', fetch: async () => '' },
    async close() {
      calls.push('close');
    },
  };
  const executor = new QueueExecutor<Unit, Answer>(testKind, {
    queue,
    run: () => 'run',
    slots: 1,
    attempts: 1,
  });
  const units = Promise.allSettled([1, 2].map((value) => executor.run({ kind: 'echo', value })));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(calls).toEqual(['offer']);
  lose(new Error('gone'));
  for (const each of await units) expect(each).toMatchObject({ reason: { message: 'gone' } });
  await executor.close();
  expect(calls).toEqual(['offer', 'withdraw', 'close']);
});
