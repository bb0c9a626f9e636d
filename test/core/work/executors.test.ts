import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connectNats } from '../../../src/core/nats/index.js';
import { NatsWorker } from '../../../src/core/nats/worker.js';
import type { Executor } from '../../../src/core/work/executor.js';
import { executorsOn } from '../../../src/core/work/executors.js';
import { natsServer, TestServer } from '../../support/nats.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { type Answer, testKind, type Unit } from './testKind.js';

const noFiles = { send: async () => '', fetch: async () => '' };

/** Starts a worker of the test kind; leaves with the test. */
async function worker(url: string, slots: number): Promise<NatsWorker> {
  const nats = await connectNats(url);
  const made = new NatsWorker({ nats, kinds: [testKind], slots, files: noFiles });
  const working = made.run();
  onTestFinished(async () => {
    await made.leave(0);
    await working;
    await nats.close();
  });
  return made;
}

let server: TestServer;
let runs = 0;

/** Opens an executor with two slots, and what carries out its work. */
async function open(on: string): Promise<Executor<Unit, Answer> & { crashes: string[] }> {
  const isNats = on === 'nats';
  const crashes: string[] = [];
  const run = `run-${++runs}`;
  const executor = await executorsOn(isNats ? server.url : on, { run: () => run }).open(testKind, {
    ...(on === 'processes' && { slots: 2 }),
    attempts: 3,
    onCrash: (reason, { kind }, failures) => crashes.push(`${kind} ${failures}: ${reason.split('\n', 1)[0]}`),
  });
  onTestFinished(() => executor.close());
  if (isNats) await worker(server.url, 2);
  return Object.assign(executor, { crashes });
}

/** The same promises, whoever carries out the work. */
function executorConformance(on: string): void {
  it('gives each unit its own result, whatever the order in which they end', async () => {
    const executor = await open(on);
    const waits = [40, 1, 20, 5, 0, 30];
    const answers = await Promise.all(
      waits.map((milliseconds, i) => executor.run({ kind: 'echo', value: { wait: milliseconds, i } })),
    );
    expect(answers.map(({ value }) => value)).toEqual(
      waits.map((milliseconds, i) => ({ wait: milliseconds, i })),
    );
    expect(executor.slots).toBeGreaterThan(0);
  });

  it('carries numbers as they are: NaN, infinities, −0, the last bit', async () => {
    const executor = await open(on);
    expect(await executor.run({ kind: 'nothing' })).toBeNaN();
    const value = [0.1 + 0.2, 2 ** 53 - 1, Number.MIN_VALUE, -1e-300];
    expect((await executor.run({ kind: 'echo', value })).value).toEqual(value);
  });

  it('has the result of a unit again that is asked for once more', async () => {
    const executor = await open(on);
    for (let time = 0; time < 2; time++) {
      expect((await executor.run({ kind: 'echo', value: 'the same' })).value).toBe('the same');
    }
  });

  it('hands on an error that the user can act upon, once and at once', async () => {
    const executor = await open(on);
    const refused = { message: 'the images are missing', hint: 'fetch them', exitCode: 3 };
    await expect(executor.run({ kind: 'refuse' })).rejects.toMatchObject(refused);
    expect(executor.crashes).toEqual([]);
    expect((await executor.run({ kind: 'echo', value: 1 })).value).toBe(1);
  });

  it('begins a unit again whose work broke down, and gives it up after as many attempts; others go on', async () => {
    const executor = await open(on);
    const file = join(temporaryFolder(), 'thrown');
    const [once, always, other] = await Promise.allSettled([
      executor.run({ kind: 'throw once', value: 1, file }),
      executor.run({ kind: 'throw' }),
      executor.run({ kind: 'echo', value: 2 }),
    ]);
    expect(once).toMatchObject({ status: 'fulfilled', value: { value: 1 } });
    expect(other).toMatchObject({ status: 'fulfilled', value: { value: 2 } });
    expect(always).toMatchObject({
      status: 'rejected',
      reason: {
        exitCode: 1,
        attempts: 3,
        message: expect.stringMatching(
          /^the unit throw was given up after 3 attempts: Error: a mistake of ours/,
        ),
      },
    });
    expect(executor.crashes).toContain('throw 3: Error: a mistake of ours');
  });

  it('does many small units once each', async () => {
    const executor = await open(on);
    const file = join(temporaryFolder(), 'done');
    const values = Array.from({ length: on === 'nats' ? 200 : 100 }, (_, i) => i);
    const answers = await Promise.all(values.map((value) => executor.run({ kind: 'count', value, file })));
    expect(answers.map(({ value }) => value)).toEqual(values);
    const done = readFileSync(file, 'utf8').trim().split('\n').map(Number);
    expect(done.sort((a, b) => a - b)).toEqual(values);
  });

  it('rejects what waits or is under way when it is closed, and everything after that', async () => {
    const executor = await open(on);
    const units = [0, 1, 2, 3].map((i) => executor.run({ kind: 'echo', value: { wait: 300, i } }));
    const settled = Promise.allSettled(units);
    await wait(50);
    await executor.close();
    const stopped = { status: 'rejected', reason: { exitCode: 1, message: 'the work was stopped' } };
    for (const each of await settled) expect(each).toMatchObject(stopped);
    await expect(executor.run({ kind: 'echo' })).rejects.toMatchObject({ exitCode: 1 });
    await executor.close();
  });
}

describe('local', () => executorConformance('local'));
describe('processes', () => executorConformance('processes'));
describe.skipIf(!natsServer)('nats', () => {
  beforeAll(async () => {
    server = await TestServer.start();
  });
  afterAll(() => server.stop());
  executorConformance('nats');

  it('a unit whose process dies is begun again there', async () => {
    const executor = await open('nats');
    const file = join(temporaryFolder(), 'died');
    expect((await executor.run({ kind: 'die once', value: 1, file })).value).toBe(1);
    expect(existsSync(file)).toBe(true);
    await expect(executor.run({ kind: 'die' })).rejects.toThrow(/given up after 3 attempts.*out of memory/s);
  });
});

it('another word is refused', () => {
  expect(() => executorsOn('procceses', { run: () => '' })).toThrow(
    expect.objectContaining({ exitCode: 2, hint: expect.stringContaining("'processes'") }),
  );
});
