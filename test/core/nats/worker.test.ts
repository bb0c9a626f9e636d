import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectNats, type Nats } from '../../../src/core/nats/index.js';
import { NatsWorker, type WorkerOptions } from '../../../src/core/nats/worker.js';
import { workStatus } from '../../../src/core/nats/workers.js';
import { openWorkStreams, streams, subjects } from '../../../src/core/nats/workStreams.js';
import { executorsOn } from '../../../src/core/work/executors.js';
import { toBytes, unitKey } from '../../../src/core/work/message.js';
import type { QueueExecutor } from '../../../src/core/work/queueExecutor.js';
import { natsServer, TestServer } from '../../support/nats.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { kill9, startTestWorker } from '../../support/testWorkers.js';
import { type Answer, testKind, type Unit } from '../work/testKind.js';

const files = { send: async () => '', fetch: async () => '' };
/** Milliseconds after which these tests take a worker for dead. */
const lease = 1000;

const linesOf = (file: string) => readFileSync(file, 'utf8').trim().split('\n').map(Number);

describe.skipIf(!natsServer)('workers', () => {
  let server: TestServer;
  let nats: Nats;
  beforeAll(async () => {
    server = await TestServer.start();
    nats = await connectNats(server.url);
    await openWorkStreams(nats, lease);
  });
  afterAll(async () => {
    await nats.close();
    await server.stop();
  });

  async function worker(options: Partial<WorkerOptions> = {}) {
    const own = await connectNats(server.url);
    const notes: string[] = [];
    const made = new NatsWorker({
      ...{ nats: own, kinds: [testKind], slots: 2, files, onNote: (line) => notes.push(line) },
      ...options,
    });
    const working = made.run();
    const leave = async (grace = 0) => {
      await made.leave(grace);
      await working;
      await own.close();
    };
    onTestFinished(() => leave());
    return { worker: made, notes, leave };
  }

  async function executor(run: string) {
    const made = await executorsOn(server.url, { run: () => run }).open(testKind, { attempts: 3 });
    onTestFinished(() => made.close());
    return made as QueueExecutor<Unit, Answer>;
  }

  const stored = async (run: string, key: string) =>
    (
      await nats.manager.streams.getMessage(streams.results, { last_by_subj: subjects.result(run, key) })
    )?.json();

  /** What a worker says that it does. */
  const unitsOf = async (own: NatsWorker) => {
    own.tell();
    return (await workStatus(nats)).workers.find(({ id }) => id === own.id)?.units;
  };

  const queued = async () => (await nats.manager.streams.info(streams.work)).state.messages;

  const unit = (work: unknown, more = {}) => toBytes({ v: 1, kind: 'test', attempts: 3, work, ...more });

  it('refuses what is no work, takes it out of the queue, counts it, and goes on', async () => {
    const { worker: own, notes } = await worker();
    const run = 'hostile';
    const send = (bytes: Uint8Array, key = unitKey(run, bytes), kind = 'test') =>
      nats.jetstream.publish(subjects.work(run, kind, key), bytes);
    const echo = { kind: 'echo', value: 1 };
    const text = (content: string) => new TextEncoder().encode(content);
    const bad: [Uint8Array, (string | undefined)?, string?][] = [
      [text('{"v":1')],
      [text('')],
      [new Uint8Array([0xff, 0xfe, 0x00])],
      [text('['.repeat(100_000))],
      [text('null')],
      [unit(echo, { v: 2 })],
      [unit(echo, { attempts: 1e9 })],
      [unit(echo, { code: 'process.exit()' })],
      [unit({ kind: 'echo', __proto__: { kind: 'x' }, script: 'file:///etc/passwd' })],
      [unit({ kind: 'a kind with a name that is too long' })],
      [unit(echo, { kind: 'shell' }), undefined, 'shell'],
      [unit(echo), 'f'.repeat(32)],
      [unit(echo), 'not-a-key'],
    ];
    for (const each of bad) await send(...each);
    await vi.waitFor(() => expect(own.counts.refused).toBe(bad.length), { timeout: 5000 });
    await vi.waitFor(async () => expect(await queued()).toBe(0));
    expect(notes.length).toBeLessThanOrEqual(10);
    // Who sent a whole unit under its own key is told; a foreign key gets no answer.
    const shell = unit(echo, { kind: 'shell' });
    await vi.waitFor(async () =>
      expect(await stored(run, unitKey(run, shell))).toMatchObject({
        error: { exitCode: 1, message: expect.stringContaining("the kind 'shell' is not known here") },
      }),
    );
    expect(await stored(run, 'f'.repeat(32))).toBeUndefined();
    expect(own.counts).toMatchObject({ done: 0, failed: 0 });
    expect((await (await executor(run)).run(echo)).value).toBe(1);
  });

  it('throws away answers that are none, and asks again', async () => {
    const made = await executor('garbage');
    const answers = [0, 1, 2].map((value) => made.run({ kind: 'echo', value }));
    await vi.waitFor(async () => expect(await queued()).toBe(3));
    const { state } = await nats.manager.streams.info(streams.work, { subjects_filter: '>' });
    for (const subject of Object.keys(state.subjects!)) {
      const key = subject.split('.').at(-1)!;
      await nats.jetstream.publish(subjects.result('garbage', key), toBytes({ v: 1, result: 'nonsense' }));
    }
    await vi.waitFor(() => expect(made.counts.refused).toBe(3));
    await worker();
    expect((await Promise.all(answers)).map(({ value }) => value)).toEqual([0, 1, 2]);
  });

  it('counts an answer once, however often and in whatever order work and answers come', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'done');
    const made = await executor('twice');
    const values = Array.from({ length: 20 }, (_, value) => value);
    const units = values.map((value) => unit({ kind: 'count', value, file }));
    const keys = units.map((bytes) => unitKey('twice', bytes));
    // Somebody has put half of the work into the queue already, backwards.
    for (const i of values.slice(10).reverse()) {
      await nats.jetstream.publish(subjects.work('twice', 'test', keys[i]), units[i]!);
    }
    const { worker: own } = await worker();
    const answers = await Promise.all(values.map((value) => made.run({ kind: 'count', value, file })));
    expect(answers.map(({ value }) => value)).toEqual(values);
    // All of it once more, and its answers too.
    for (const i of values) {
      await nats.jetstream.publish(subjects.work('twice', 'test', keys[i]), units[i]!);
      const again = toBytes((await stored('twice', keys[i]!)) as object);
      await nats.jetstream.publish(subjects.result('twice', keys[i]), again);
    }
    await vi.waitFor(() => expect(own.counts.repeated).toBeGreaterThanOrEqual(20));
    await vi.waitFor(() => expect(made.counts.duplicates).toBeGreaterThanOrEqual(20));
    expect(linesOf(file).sort((a, b) => a - b)).toEqual(values);
    expect(await queued()).toBe(0);
  });

  it('takes the work of a worker that was killed', async () => {
    const file = join(temporaryFolder(), 'begun');
    const doomed = await startTestWorker(server.url, 2);
    onTestFinished(() => kill9(doomed));
    const made = await executor('killed');
    const busy = made.run({ kind: 'die once', value: 7, file });
    const slow = made.run({ kind: 'echo', value: { wait: 1500 } });
    await vi.waitFor(async () => expect((await workStatus(nats)).queue.underWay).toBe(2), { timeout: 5000 });
    await kill9(doomed);
    const { worker: own } = await worker();
    await expect(Promise.all([busy, slow])).resolves.toMatchObject([{ value: 7 }, { value: { wait: 1500 } }]);
    expect(own.counts.done).toBe(2);
  });

  it('keeps work for as long as it says that it is alive', async () => {
    const { worker: first } = await worker({ slots: 1 });
    const { worker: second } = await worker({ slots: 1 });
    const made = await executor('long');
    await made.run({ kind: 'echo', value: { wait: 2.5 * lease } });
    expect(first.counts.done + second.counts.done).toBe(1);
    expect(first.counts.repeated + second.counts.repeated).toBe(0);
  });

  it('leaves: finishes what is under way, gives back what takes too long, takes nothing more', async () => {
    const made = await executor('leaving');
    const { worker: own, leave } = await worker();
    const units = [100, 60_000].map((milliseconds) =>
      made.run({ kind: 'echo', value: { wait: milliseconds } }),
    );
    const left = Promise.allSettled(units);
    await vi.waitFor(async () => expect(await unitsOf(own)).toHaveLength(2));
    await leave(3000);
    expect(own.counts).toMatchObject({ done: 1, failed: 0 });
    await expect(units[0]).resolves.toMatchObject({ value: { wait: 100 } });
    expect(await queued()).toBe(1);
    expect((await workStatus(nats)).workers.filter(({ id }) => id === own.id)).toEqual([]);
    await made.close();
    expect(await queued()).toBe(0); // taken back
    expect((await left)[1]).toMatchObject({ status: 'rejected' });
  });

  it('what a run that was killed had asked for is done meanwhile, and found when it is resumed', async () => {
    const file = join(temporaryFolder(), 'done');
    const values = Array.from({ length: 12 }, (_, value) => value);
    // As a coordinator leaves it that was killed: its units are in the queue.
    for (const value of values.slice(0, 8)) {
      const bytes = unit({ kind: 'count', value, file });
      await nats.jetstream.publish(subjects.work('resumed', 'test', unitKey('resumed', bytes)), bytes);
    }
    await worker();
    await vi.waitFor(async () => expect(await queued()).toBe(0), { timeout: 5000 });
    const made = await executor('resumed');
    const answers = await Promise.all(values.map((value) => made.run({ kind: 'count', value, file })));
    expect(answers.map(({ value }) => value)).toEqual(values);
    expect(made.counts).toMatchObject({ kept: 8, offered: 4 });
    expect(linesOf(file).sort((a, b) => a - b)).toEqual(values);
  });

  it('sets aside what is given up, with its error; a resumed run tries it again', async () => {
    const { notes } = await worker();
    const first = await executor('aside');
    await expect(first.run({ kind: 'throw' })).rejects.toMatchObject({ attempts: 3 });
    await first.close();
    const { aside } = await workStatus(nats);
    expect(aside).toMatchObject({
      count: 1,
      newest: [
        { run: 'aside', what: 'the unit throw', attempts: 3, reason: expect.stringContaining('a mistake') },
      ],
    });
    expect(notes.at(-1)).toMatch(/the unit throw was set aside/);
    const second = await executor('aside');
    await expect(second.run({ kind: 'throw' })).rejects.toMatchObject({ attempts: 3 });
    expect(second.counts).toMatchObject({ kept: 0, offered: 1, givenUp: 1 });
  });

  it('sets aside what was handed out too often', async () => {
    const made = await executor('poison');
    const poison = made.run({ kind: 'echo', value: 1 });
    const failed = expect(poison).rejects.toThrow(/2 workers that took it died or were stopped over it/);
    await vi.waitFor(async () => expect(await queued()).toBe(1));
    const consumer = await nats.jetstream.consumers.get(streams.work, 'workers');
    for (let i = 0; i < 2; i++) (await consumer.next({ expires: 2000 }))!.nak();
    await worker({ deliveries: 2 });
    await failed;
  });

  it('says what it does', async () => {
    const { worker: own } = await worker();
    const made = await executor('status');
    const slow = made.run({ kind: 'echo', value: { wait: 1500 } });
    await vi.waitFor(async () => expect(await unitsOf(own)).toHaveLength(1));
    const { workers } = await workStatus(nats);
    expect(workers.filter(({ id }) => id === own.id)).toMatchObject([
      {
        id: own.id,
        slots: 2,
        units: [{ run: 'status', kind: 'test', what: 'the unit echo', deliveries: 1 }],
      },
    ]);
    await slow;
    // Words that are none are passed over.
    await nats.jetstream.publish(subjects.worker('liar'), toBytes({ v: 1, id: '\x1b[2J' }));
    expect((await workStatus(nats)).workers.map(({ id }) => id)).not.toContain('\x1b[2J');
  });

  it('goes on when the server comes back on its store', async () => {
    const own = await TestServer.start();
    onTestFinished(() => own.stop());
    const connection = await connectNats(own.url);
    const notes: string[] = [];
    const made = new NatsWorker({ nats: connection, kinds: [testKind], slots: 2, lease, files });
    const working = made.run();
    onTestFinished(async () => {
      await made.leave(0);
      await working;
      await connection.close();
    });
    const executors = executorsOn(own.url, { run: () => 'restarted', onNote: (line) => notes.push(line) });
    const exec = (await executors.open(testKind, { attempts: 3 })) as QueueExecutor<Unit, Answer>;
    onTestFinished(() => exec.close());
    const values = Array.from({ length: 60 }, (_, value) => value);
    const answers = Promise.all(
      values.map((value) => exec.run({ kind: 'echo', value: { wait: 30, value } })),
    );
    for (let i = 0; i < 2; i++) {
      await wait(400);
      await own.kill9();
      await wait(200);
      await own.restart();
    }
    expect((await answers).map(({ value }) => (value as { value: number }).value)).toEqual(values);
    expect(notes.some((line) => /is away; waiting/.test(line))).toBe(true);
  });
});
