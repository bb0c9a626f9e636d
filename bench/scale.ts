import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { packImages } from '../src/core/benchmark/live/images/packed.js';
import { openImages } from '../src/core/benchmark/live/images/sources.js';
import { liveParams, liveProtocol } from '../src/core/benchmark/live/settings.js';
import { trainingKind } from '../src/core/benchmark/live/trainingKind.js';
import { connectNats } from '../src/core/nats/index.js';
import { streams } from '../src/core/nats/workStreams.js';
import type { Executor } from '../src/core/work/executor.js';
import { executorsOn } from '../src/core/work/executors.js';
import { messageVersion, toBytes } from '../src/core/work/message.js';
import { QueueExecutor, type WorkQueue } from '../src/core/work/queueExecutor.js';
import { type Nap, napKind, napWorkerScript } from './scaleKind.js';
import { SimulatedQueue, VirtualTime } from './simulatedQueue.js';

type Say = (line: string) => void;
export type ScaleFigures = Record<string, Record<string, number>>;

/** What it costs to have work done elsewhere, and how far one coordinator goes. */
export async function scale(say: Say): Promise<ScaleFigures> {
  const figures: ScaleFigures = {};
  await payloads(figures, say);
  await throughput(figures, say);
  await outstanding(figures, say, 1_000_000);
  await simulation(figures, say);
  return figures;
}

/** Bytes of the messages of a training. */
async function payloads(figures: ScaleFigures, say: Say): Promise<void> {
  const params = liveParams.parse({ data: 'mnist' });
  const { source, halves } = openImages(params.data);
  const work = { cell: 0x12345, repeat: 0, protocol: liveProtocol(params, source, halves), images: source };
  const images = packImages(halves).length;
  const files = { send: async () => `object:${'0'.repeat(64)}:${images}`, fetch: async () => '' };
  const sent = await trainingKind.toMessage!(work, files);
  const unit = toBytes({ v: messageVersion, kind: 'training', attempts: 3, work: sent }).length;
  const result = {
    cell: work.cell,
    repeat: 0,
    parameters: 123_456,
    validation: 0.8123333333,
    test: 0.8456666667,
    seconds: 0.7512345,
  };
  const answer = toBytes({
    v: messageVersion,
    worker: 'host-12345-abcd',
    deliveries: 1,
    seconds: 1.234,
    result,
  }).length;
  figures.payload = { unit, answer, images };
  say(`a training: ${unit} bytes there, ${answer} back; images of MNIST, once a worker: ${images} bytes`);
}

/** Milliseconds of processor time that a process of this machine has had; NaN where there is no /proc. */
function cpuOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return 10 * (Number(user) + Number(system));
  } catch {
    return Number.NaN;
  }
}

/** Does `count` units of `milliseconds`; units a second, and milliseconds of processor time a unit: of this process, and of `others` together. */
async function timed(
  executor: Executor<Nap, number>,
  count: number,
  milliseconds: number,
  others: readonly number[] = [],
) {
  const ofOthers = () => others.reduce((sum, pid) => sum + cpuOf(pid), 0);
  const units = (from: number, n: number) =>
    Promise.all(Array.from({ length: n }, (_, i) => executor.run({ i: from + i, milliseconds })));
  await units(-64, 64); // processes are started, and warm
  const before = ofOthers();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await units(0, count);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    rate: count / seconds,
    cpuMs: (user + system) / 1000 / count,
    othersMs: (ofOthers() - before) / count,
  };
}

async function throughput(figures: ScaleFigures, say: Say): Promise<void> {
  const empty = 4000;
  const napping = 100;
  const measure = async (
    name: string,
    slots: number,
    executor: Executor<Nap, number>,
    [server, ...workers]: number[] = [],
  ) => {
    const { rate, cpuMs, othersMs: workersMs } = await timed(executor, empty, 0, workers);
    // As long as it takes anyhow, 20 s at most.
    const naps = Math.min(20 * slots, 160) * (1000 / napping) * 0.5;
    const nap = await timed(executor, naps, napping);
    const serverMs = server === undefined ? 0 : (await timed(executor, empty / 4, 0, [server])).othersMs;
    const ideal = (slots * 1000) / napping;
    const lost = 1 - nap.rate / ideal;
    figures[`throughput/${name}`] = { rate, cpuMs, workersMs, serverMs, napRate: nap.rate, lost };
    say(
      `${name}: ${rate.toFixed(0)} empty units/s (${(1000 / rate).toFixed(2)} ms each, processor time a unit: coordinator ${cpuMs.toFixed(2)} ms, worker ${workersMs.toFixed(2)}, server ${serverMs.toFixed(2)}); of ${napping} ms each ${nap.rate.toFixed(1)}/s of ${ideal.toFixed(0)}: ${(100 * lost).toFixed(1)} % lost`,
    );
  };

  for (const [on, slots] of [
    ['local', 1],
    ['processes', 1],
    ['processes', 2],
    ['processes', 8],
  ] as const) {
    const executor = await executorsOn(on, { run: () => 'bench' }).open(napKind, { slots, attempts: 1 });
    await measure(on === 'local' ? on : `${on}, ${slots}`, slots, executor);
    await executor.close();
  }

  const server = await startServer();
  try {
    for (const count of [1, 2, 8]) {
      const workers = await Promise.all(Array.from({ length: count }, () => startWorker(server.url)));
      const run = `bench-${count}`;
      const executor = await executorsOn(server.url, { run: () => run }).open(napKind, { attempts: 1 });
      await measure(
        `nats, ${count} workers`,
        count,
        executor,
        [server, ...workers].map(({ pid }) => pid!),
      );
      await executor.close();
      await Promise.all(workers.map(ended));
    }
    const nats = await connectNats(server.url);
    const { state } = await nats.manager.streams.info(streams.results);
    figures.stored = { bytesAnAnswer: state.bytes / state.messages };
    say(`an answer of ${(state.bytes / state.messages).toFixed(0)} bytes in the store of the server`);
    await nats.close();
  } finally {
    await server.stop();
  }
}

async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), 'rxnas-bench-'));
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const child = spawn('nats-server', ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8');
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(log)));
    child.stderr.on('data', (text: string) => {
      log += text;
      if (log.includes('Server is ready')) resolve();
    });
  });
  return {
    url: `nats://127.0.0.1:${port}`,
    pid: child.pid,
    async stop() {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startWorker(url: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [napWorkerScript, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** Memory of a coordinator that waits for so many answers, and how fast it takes them in. */
async function outstanding(figures: ScaleFigures, say: Say, count: number): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const keys: string[] = [];
  const values: number[] = [];
  let tell = (_key: string, _answer: Uint8Array) => {};
  const queue: WorkQueue = {
    async listen(_, onAnswer) {
      tell = onAnswer;
      return new Set();
    },
    async offer(key, unit) {
      keys.push(key);
      values.push((JSON.parse(Buffer.from(unit).toString()) as { work: Nap }).work.i);
      return true;
    },
    answer: async () => undefined,
    forget: async () => {},
    withdraw: async () => {},
    workers: async () => 1,
    files: { send: async () => '', fetch: async () => '' },
    close: async () => {},
  };
  const executor = new QueueExecutor<Nap, number>(napKind, {
    queue,
    run: () => 'bench',
    slots: count,
    attempts: 1,
  });
  collect();
  const before = process.memoryUsage();
  let done = 0;
  const all: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    all.push(executor.run({ i, milliseconds: 0 }).then(() => void done++));
    if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  while (keys.length < count) await new Promise((resolve) => setImmediate(resolve));
  collect();
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external;
  const cpu = process.cpuUsage();
  for (const [i, key] of keys.entries()) {
    tell(key, toBytes({ v: messageVersion, worker: 'w', deliveries: 1, seconds: 1, result: values[i]! }));
    if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(all);
  const { user, system } = process.cpuUsage(cpu);
  const us = (user + system) / count;
  figures.outstanding = { count, bytes, resident: after.rss, bytesEach: bytes / count, takeUs: us };
  say(
    `${count} outstanding results: ${(bytes / 2 ** 20).toFixed(0)} MiB (${(bytes / count).toFixed(0)} bytes each, keys of the measurement included), resident ${(after.rss / 2 ** 20).toFixed(0)} MiB; taken in with ${us.toFixed(1)} µs of processor time each`,
  );
  if (done !== count) throw new Error(`${done} of ${count} were answered`);
  await executor.close();
}

/** The real coordinator with a thousand workers of random speed that die, in virtual time. */
async function simulation(figures: ScaleFigures, say: Say): Promise<void> {
  const units = 20_000;
  for (const [workers, slots, dying] of [
    [1000, 256, 0],
    [1000, 2000, 0],
    [1000, 2000, 0.01],
    [1000, 2000, 0.1],
  ] as const) {
    const time = new VirtualTime();
    const queue = new SimulatedQueue({
      ...{ time, seed: 1, workers, mean: 60, spread: 4, dying, twice: 0.02, untold: 0.001 },
      ...{ latency: 20, lease: 30_000, comes: 120 },
      result: (work) => (work as Nap).i,
    });
    const executor = new QueueExecutor<Nap, number>(napKind, {
      ...{ queue, run: () => 'bench', slots, attempts: 3, clock: time },
    });
    let wrong = 0;
    let isOver = false;
    const cpu = process.cpuUsage();
    void Promise.all(
      Array.from({ length: units }, async (_, i) => {
        if ((await executor.run({ i, milliseconds: 0 })) !== i) wrong++;
      }),
    ).then(() => {
      isOver = true;
    });
    await time.run(() => isOver);
    const { user, system } = process.cpuUsage(cpu);
    const { begun, deaths, worked, lost } = queue.counts;
    const { answered, duplicates, offered } = executor.counts;
    const hours = time.now() / 3_600_000;
    // What the workers could have worked, if none had ever waited.
    const busy = worked / (hours * 3600 * workers);
    const name = `simulated/${workers}/${slots}/${dying}`;
    figures[name] = {
      units,
      hours,
      begun,
      deaths,
      duplicates,
      offered,
      busy,
      wrong,
      lostShare: lost / worked,
      cpuUs: (user + system) / units,
    };
    say(
      `${workers} simulated workers, ${slots} units outstanding, ${100 * dying} % die over a unit: ${units} units in ${hours.toFixed(2)} h; answered ${answered}, wrong ${wrong}, begun ${begun}, deaths ${deaths}, dropped ${duplicates}; busy ${(100 * busy).toFixed(0)} % of the time, ${((100 * lost) / worked).toFixed(1)} % of the work for nothing`,
    );
    await executor.close();
  }
}
