import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { NEVER } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type EventRow, rowsOf } from '../../src/core/batch/index.js';
import { connectNats } from '../../src/core/nats/index.js';
import { workStatus } from '../../src/core/nats/workers.js';
import { openWorkStreams, streams } from '../../src/core/nats/workStreams.js';
import { stream } from '../../src/core/random/random.js';
import { openRun } from '../../src/core/run/index.js';
import { executorsOn } from '../../src/core/work/executors.js';
import type { QueueExecutor } from '../../src/core/work/queueExecutor.js';
import { searchJob } from '../../src/jobs/search.js';
import { type Answer, testKind, type Unit } from '../core/work/testKind.js';
import { figure, fullSize } from '../support/figure.js';
import { writeIdxFolder } from '../support/imageFolders.js';
import { natsServer, TestServer } from '../support/nats.js';
import { type Outcome, rxnas } from '../support/rxnas.js';
import { kill9, startTestWorker } from '../support/testWorkers.js';
import { tfjsLoads } from '../support/tfjs.js';

const kills = Number(process.env.RXNAS_KILLS ?? (fullSize ? 100 : 4));
/** Of what takes a whole search each time. */
const searches = fullSize ? Math.max(1, Math.floor(kills / 10)) : 1;
/** Milliseconds after which a worker is taken for dead here. */
const lease = 1000;

describe.skipIf(!natsServer)('work over NATS', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start();
    const nats = await connectNats(server.url);
    await openWorkStreams(nats, lease);
    await nats.close();
  });
  afterAll(() => server.stop());

  async function executor(run: string, url = server.url) {
    const made = await executorsOn(url, { run: () => run }).open(testKind, { attempts: 3 });
    onTestFinished(() => made.close());
    return made as QueueExecutor<Unit, Answer>;
  }

  /** Units until `isEnough`, each of which has to be answered once, by its own value. */
  async function unitsUntil(executor: QueueExecutor<Unit, Answer>, isEnough: () => boolean) {
    let sent = 0;
    const answered: number[] = [];
    const one = async () => {
      while (!isEnough() || sent < 100) {
        const value = sent++;
        const { value: found } = await executor.run({ kind: 'echo', value: { wait: value % 60, value } });
        answered.push((found as { value: number }).value);
      }
    };
    await Promise.all(Array.from({ length: 16 }, one));
    expect(answered.sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, value) => value));
    return sent;
  }

  it(
    'figure 13: workers killed at random instants, units answered once each',
    async () => {
      const random = stream(13, 'kills');
      const workers = await Promise.all([1, 2, 3].map(() => startTestWorker(server.url, 2, lease)));
      onTestFinished(async () => void (await Promise.all(workers.map(kill9))));
      const made = await executor('kills');
      let killed = 0;
      const killing = (async () => {
        while (killed < kills) {
          await wait(random.float() * 300);
          const place = random.int(workers.length);
          await kill9(workers[place]!);
          killed++;
          workers[place] = await startTestWorker(server.url, 2);
        }
      })();
      const units = await unitsUntil(made, () => killed >= kills);
      await killing;
      expect(made.counts).toMatchObject({ answered: units, refused: 0, givenUp: 0 });
      figure(
        13,
        `${killed} of ${kills} workers killed (kill -9): ${units} units, each answered once, none lost`,
      );
    },
    fullSize ? 600_000 : 60_000,
  );

  it(
    'figure 13: a server killed and restarted on its store, units answered once each',
    async () => {
      const own = await TestServer.start();
      onTestFinished(() => own.stop());
      const workers = await Promise.all([1, 2].map(() => startTestWorker(own.url, 2, lease)));
      onTestFinished(async () => void (await Promise.all(workers.map(kill9))));
      const made = await executor('server', own.url);
      const random = stream(14, 'server kills');
      let killed = 0;
      const killing = (async () => {
        while (killed < searches) {
          await wait(200 + random.float() * 500);
          await own.kill9();
          await wait(random.float() * 300);
          await own.restart();
          killed++;
        }
      })();
      const units = await unitsUntil(made, () => killed >= searches);
      await killing;
      expect(made.counts.answered).toBe(units);
      figure(
        13,
        `${killed} of ${searches} times the server killed and restarted on its store: ${units} units, each answered once`,
      );
    },
    fullSize ? 300_000 : 60_000,
  );

  it('figure 13: units and answers that come again and again, late and out of order', async () => {
    const worker = await startTestWorker(server.url, 4, lease);
    onTestFinished(() => kill9(worker));
    const nats = await connectNats(server.url);
    onTestFinished(() => nats.close());
    const random = stream(15, 'duplicates');
    let published = 0;
    const again = (subject: string) => {
      const subscription = nats.connection.subscribe(subject);
      void (async () => {
        for await (const { subject, data } of subscription) {
          if (random.float() < 0.5) continue;
          published++;
          setTimeout(() => {
            if (!nats.connection.isClosed()) nats.connection.publish(subject, data);
          }, random.float() * 200);
        }
      })();
    };
    again('rxnas.work.again.>');
    again('rxnas.result.again.>');
    const made = await executor('again');
    const end = performance.now() + (fullSize ? 20_000 : 1500);
    const units = await unitsUntil(made, () => performance.now() > end);
    expect(published).toBeGreaterThan(units / 2);
    expect(made.counts.duplicates).toBeGreaterThan(units / 10);
    expect(made.counts.answered).toBe(units);
    figure(
      13,
      `${published} units and answers published again at random: ${units} units, each answered once, ${made.counts.duplicates} duplicates dropped`,
    );
  });

  it(
    'figure 13: nothing passes between coordinator and server for a while',
    async () => {
      const worker = await startTestWorker(server.url, 4, lease);
      onTestFinished(() => kill9(worker));
      const gap = fullSize ? 10_000 : 1500;
      const proxy = await Gap.start(server.port);
      onTestFinished(() => proxy.stop());
      const made = await executor('gap', `nats://127.0.0.1:${proxy.port}`);
      let isOver = false;
      const gaps = (async () => {
        for (const cut of [false, true]) {
          await wait(400);
          proxy.pause(cut);
          await wait(gap);
          proxy.resume();
        }
        await wait(200);
        isOver = true;
      })();
      const units = await unitsUntil(made, () => isOver);
      await gaps;
      expect(made.counts.answered).toBe(units);
      figure(
        13,
        `${gap / 1000} s without a byte, and again with connections cut: ${units} units, each answered once`,
      );
    },
    fullSize ? 120_000 : 60_000,
  );
});

/** A proxy to a port of this machine that can stop to let anything pass. */
class Gap {
  readonly #sockets = new Set<Socket>();
  #isPaused = false;

  private constructor(
    readonly port: number,
    readonly server: Server,
  ) {}

  static async start(to: number): Promise<Gap> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new Gap((server.address() as { port: number }).port, server);
    server.on('connection', (near) => {
      if (proxy.#isPaused) return void near.destroy();
      const far = connect(to, '127.0.0.1');
      for (const [from, into] of [
        [near, far],
        [far, near],
      ] as const) {
        proxy.#sockets.add(from);
        from.on('error', () => into.destroy());
        from.on('close', () => {
          proxy.#sockets.delete(from);
          into.destroy();
        });
        from.pipe(into);
      }
    });
    return proxy;
  }

  pause(cut: boolean): void {
    this.#isPaused = true;
    for (const socket of this.#sockets) cut ? socket.destroy() : socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    for (const socket of this.#sockets) socket.resume();
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }
}

const queries = (run: string) =>
  Array.from(openRun(run).records({ events: ['query'] }), ({ batch }) => [
    ...rowsOf(batch),
  ]).flat() as unknown as EventRow<'query'>[];

/** Seconds are measured: all else is the same in every run. */
const figures = (run: string) => queries(run).map(({ seconds, ...rest }) => rest);

/** Trainings that a cache holds. */
const trainings = (cache: string) => {
  const log = existsSync(cache) ? readdirSync(cache).find((name) => name.endsWith('.log')) : undefined;
  return log ? readFileSync(join(cache, log), 'utf8').trim().split('\n').filter(Boolean).length : 0;
};

describe.skipIf(!natsServer || !tfjsLoads)('a search on live training over NATS', () => {
  const queryCount = 12;
  let server: TestServer;
  let folder: string;
  let expected: ReturnType<typeof figures>;
  const settings = (cache: string) => ({
    benchmark: `live:idx:${join(folder, 'data')},cache=${join(folder, cache)},images=40,validation=20,test=20,batch=10,epochs=2,channels=8,stacks=2`,
    ...{ searcher: 'random', perRound: 4, queries: queryCount },
  });
  const flags = (cache: string, out: string) => [
    ...['search', '--benchmark', settings(cache).benchmark, '--searcher', 'random', '--per-round', '4'],
    ...['--queries', String(queryCount), '--out', out, '--on', server.url],
  ];
  const workers = new Set<{ child: ChildProcess; ended: Promise<Outcome> }>();
  const startWorker = async () => {
    let child!: ChildProcess;
    const worker = {
      child,
      ended: rxnas(['worker', '--nats', server.url, '--slots', '1', '--lease', '1'], (own) => {
        child = own;
      }),
    };
    worker.child = child;
    workers.add(worker);
    return worker;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rxnas-test-'));
    server = await TestServer.start();
    writeIdxFolder(join(folder, 'data'), { training: 100, test: 40 });
    await searchJob({ ...settings('a'), executor: 'local' }, { out: join(folder, 'a-run'), stop: NEVER });
    expected = figures(join(folder, 'a-run'));
    expect(expected).toHaveLength(queryCount);
  }, 120_000);
  afterAll(async () => {
    for (const { child, ended } of workers) {
      child.kill('SIGKILL');
      await ended;
    }
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it(
    'figure 13: workers killed at random instants: the rows of the undisturbed run on this machine',
    async () => {
      const random = stream(16, 'live kills');
      const wanted = fullSize ? searches : 1;
      let killed = 0;
      let runs = 0;
      const pair = await Promise.all([startWorker(), startWorker()]);
      while (killed < wanted) {
        const name = `killed-${runs++}`;
        let isOver = false;
        const killing = (async () => {
          for (let before = 0; !isOver && killed < wanted; before = trainings(join(folder, name))) {
            // A worker that is new takes seconds until it trains: without this, nothing would ever be done.
            while (!isOver && trainings(join(folder, name)) <= before) await wait(20);
            await wait(random.float() * 1000);
            const place = random.int(2);
            if (isOver) break;
            const { child, ended } = pair[place]!;
            child.kill('SIGKILL');
            await ended;
            workers.delete(pair[place]!);
            killed++;
            pair[place] = await startWorker();
          }
        })();
        const { code, stderr } = await rxnas(flags(name, join(folder, `${name}-run`)));
        isOver = true;
        await killing;
        expect(code, stderr).toBe(0);
        expect(figures(join(folder, `${name}-run`))).toEqual(expected);
        expect(trainings(join(folder, name))).toBe(queryCount);
      }
      figure(
        13,
        `live training, ${runs} searches of ${queryCount} queries, ${killed} workers killed: rows equal, every architecture charged once`,
      );
    },
    fullSize ? 900_000 : 120_000,
  );

  it(
    'figure 13: the coordinator killed at random instants and resumed: the same rows',
    async () => {
      if (workers.size === 0) await startWorker();
      const random = stream(17, 'coordinator kills');
      let took = 0;
      for (let i = 0; i < searches; i++) {
        const name = `coordinator-${i}`;
        const out = join(folder, `${name}-run`);
        const at = 1 + random.int(queryCount - 4);
        const { signal } = await rxnas(flags(name, out), async (child) => {
          await vi.waitFor(() => expect(trainings(join(folder, name))).toBeGreaterThanOrEqual(at), {
            timeout: 60_000,
            interval: 5,
          });
          child.kill('SIGKILL');
        });
        expect(signal).toBe('SIGKILL');
        const { code, stderr } = await rxnas(['resume', out]);
        expect(code, stderr).toBe(0);
        expect(figures(out)).toEqual(expected);
        expect(trainings(join(folder, name))).toBe(queryCount);
        took++;
      }
      const nats = await connectNats(server.url);
      const { queue } = await workStatus(nats);
      const { state } = await nats.manager.streams.info(streams.work);
      await nats.close();
      expect([queue.waiting, state.messages]).toEqual([0, 0]);
      figure(
        13,
        `live training, the coordinator killed ${took} times and resumed: rows equal, nothing trained twice or left in the queue`,
      );
    },
    fullSize ? 900_000 : 120_000,
  );
});

describe.skipIf(!natsServer)('a sweep over NATS', () => {
  it(
    'figure 13: workers killed at random instants: the rows of the undisturbed sweep on this machine',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'rxnas-test-'));
      const server = await TestServer.start();
      const ended: Promise<Outcome>[] = [];
      const children: ChildProcess[] = [];
      onTestFinished(async () => {
        for (const child of children) child.kill('SIGKILL');
        await Promise.all(ended);
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      });
      const startWorker = (place: number) => {
        ended[place] = rxnas(['worker', '--nats', server.url, '--slots', '1', '--lease', '1'], (own) => {
          children[place] = own;
        });
      };
      const flags = [
        ...['sweep', 'table1', '--losses', 'Margin,NoMetric', '--seeds', '2', '--search-seeds', '2'],
        ...['--steps', '60', '--benchmark', 'mnist-cells5', '--rounds', '3', '--queries', '80'],
        ...['--engine', 'simd', '--set', 'search.rounds.searcher.nao.epochs=4', '--quiet'],
      ];
      const [local, far] = [join(folder, 'local'), join(folder, 'nats')];
      expect((await rxnas([...flags, '--out', local])).code).toBe(0);

      const random = stream(18, 'sweep kills');
      const wanted = fullSize ? searches : 2;
      for (const place of [0, 1]) startWorker(place);
      let [killed, isOver] = [0, false];
      const killing = (async () => {
        while (!isOver && killed < wanted) {
          await wait(1500 + random.float() * 2000);
          if (isOver) break;
          const place = random.int(2);
          children[place]!.kill('SIGKILL');
          expect((await ended[place]!).signal).toBe('SIGKILL');
          killed++;
          startWorker(place);
        }
      })();
      const { code, stderr } = await rxnas([...flags, '--out', far, '--on', server.url]);
      isOver = true;
      await killing;
      expect(code, stderr).toBe(0);
      expect(killed).toBeGreaterThan(0);
      const results = (run: string) => readFileSync(join(run, 'results-000.parquet'));
      expect(results(far).equals(results(local))).toBe(true);
      figure(
        13,
        `a sweep of 4 pretrainings and 12 searches, ${killed} workers killed: the same results, to the byte`,
      );
    },
    fullSize ? 900_000 : 120_000,
  );
});
