import { type ChildProcess, spawn } from 'node:child_process';

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { concatMap, delay, from, lastValueFrom, NEVER, of, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { anchorBatch, anchorsOf, rowsOf } from '../../src/core/batch/index.js';
import { openRun } from '../../src/core/run/index.js';
import { searchJob } from '../../src/jobs/search.js';
import { specJob } from '../../src/jobs/specJob.js';
import { fromJetStream } from '../../src/operators/fromJetStream.js';
import { toJetStream } from '../../src/operators/toJetStream.js';
import { readSpec } from '../../src/pipelines/fromSpec/index.js';
import { figure, fullSize } from '../support/figure.js';
import { writeIdxFolder } from '../support/imageFolders.js';
import { natsServer, testServer } from '../support/nats.js';
import { hasNamespaces, network } from '../support/networks.js';
import { runDigest } from '../support/runDigest.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tfjsLoads } from '../support/tfjs.js';
import { canMount, tinyDisk } from '../support/tinyDisk.js';

/** Seconds without network. */
const away = fullSize ? 10 : 2;
const steps = fullSize ? 400 : 100;

const until = async (condition: () => boolean) => {
  while (!condition()) await setTimeout(20);
};
const files = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);

describe.skipIf(!natsServer || !hasNamespaces)('figure 14: the cable is out', () => {
  it('a producer and a trainer lose the server in the middle: the rows and weights of one process', async () => {
    const { hub, machines } = network(2);
    const [sender, trainer] = machines;
    const server = await testServer({ host: '0.0.0.0', within: hub.within });
    const folder = temporaryFolder();
    const out = (name: string) => join(folder, name);
    const url = (machine: typeof sender) => `nats://${machine!.hub}:${server.port}`;
    const size = ['--set', `anchors.steps=${steps}`];
    const sending = rxnas(
      ['run', 'examples/cells-to-stream.yaml', '--out', out('cells'), ...size],
      undefined,
      { RXNAS_NATS_URL: url(sender) },
      sender!.within,
    );
    const training = rxnas(
      ['run', 'examples/train-from-stream.yaml', '--out', out('steps'), '--set', 'engine=simd'],
      undefined,
      { RXNAS_NATS_URL: url(trainer) },
      trainer!.within,
    );
    await until(() => files(join(out('steps'), 'checkpoints')).length > 0);
    for (const machine of machines) machine.connect(false);
    await setTimeout(away * 1000);
    const meanwhile = openRun(out('steps')).manifest.status;
    for (const machine of machines) machine.connect(true);
    const [sent, trained] = await Promise.all([sending, training]);
    expect({ code: sent.code, stderr: sent.stderr }).toMatchObject({ code: 0 });
    expect({ code: trained.code, stderr: trained.stderr }).toMatchObject({ code: 0 });
    expect(meanwhile).toBe('running');

    const [one, two] = ['cells-to-stream', 'train-from-stream'].map((name) =>
      parse(readFileSync(`examples/${name}.yaml`, 'utf8')),
    );
    const spec = {
      ...{ name: 'alone', space: one.space, engine: 'simd' },
      pipeline: [
        { anchors: { ...one.pipeline[0].anchors, steps } },
        ...one.pipeline.slice(1, -1),
        ...two.pipeline.slice(1),
      ],
    };
    await specJob(await readSpec(spec), { out: out('alone'), stop: NEVER });
    const same = ({ count, rows, weights }: ReturnType<typeof runDigest>) => ({ count, rows, weights });
    expect(same(runDigest(out('steps')))).toEqual(same(runDigest(out('alone'))));
    figure(
      14,
      `${away} s between two processes and their stream: ${steps} of ${steps} steps equal to the bit`,
    );
  }, 300_000);

  it.skipIf(!tfjsLoads)(
    'the coordinator of a search and its worker lose each other: equal rows, each cell trained and charged once',
    async () => {
      const { hub, machines } = network(2);
      const [coordinator, worker] = machines;
      const server = await testServer({ host: '0.0.0.0', within: hub.within });
      const folder = temporaryFolder();
      const data = writeIdxFolder(join(folder, 'data'), { training: 100, test: 40 });
      const count = fullSize ? 24 : 6;
      const settings = (cache: string) => ({
        benchmark: `live:idx:${data},cache=${join(folder, cache)},images=40,validation=20,test=20,batch=10,epochs=2,channels=8,stacks=2,workers=1`,
        searcher: 'random',
        perRound: 4,
        queries: count,
      });
      const url = (machine: typeof worker) => `nats://${machine!.hub}:${server.port}`;
      let working: ChildProcess | undefined;
      const worked = rxnas(
        ['worker', '--nats', url(worker), '--slots', '1', '--grace', '5'],
        (child) => {
          working = child;
        },
        { RXNAS_CACHE: join(folder, 'worker') },
        worker!.within,
      );
      const out = join(folder, 'apart');
      const flags = Object.entries({ ...settings('b'), on: url(coordinator), out }).flatMap(
        ([name, value]) => [
          `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
          String(value),
        ],
      );
      const searching = rxnas(['search', ...flags], undefined, {}, coordinator!.within);
      const queries = (dir: string) =>
        Array.from(openRun(dir).records({ events: ['query'] }), ({ batch }) => [
          ...rowsOf(batch),
        ]).flat() as Record<string, unknown>[];
      await until(() => existsSync(join(out, 'manifest.json')) && queries(out).length > 1);
      worker!.connect(false);
      await setTimeout(away * 1000);
      worker!.connect(true);
      const searched = await searching;
      working!.kill('SIGTERM');
      await worked;
      expect({ code: searched.code, stderr: searched.stderr }).toMatchObject({ code: 0 });
      await searchJob(settings('a'), { out: join(folder, 'here'), stop: NEVER });
      const figures = (dir: string) => queries(dir).map(({ seconds, ...rest }) => rest);
      const [apart, here] = [figures(out), figures(join(folder, 'here'))];
      expect(apart).toEqual(here);
      expect(new Set(apart.map(({ cell }) => cell)).size).toBe(count);
      figure(
        14,
        `${away} s between a search and its worker: ${count} of ${count} rows equal, each cell charged once`,
      );
    },
    300_000,
  );
});

describe.skipIf(!natsServer || !canMount)('figure 14: the disk of the server is full', () => {
  it('one message; started again when there is room, the source sends what is missing', async () => {
    const store = tinyDisk(3000);
    const server = await testServer({ store });
    const items = Array.from({ length: 40 }, (_, i) => anchorBatch(new Uint32Array(50_000).fill(i)));
    const stream = { stream: 'cells', server: server.url, nats: {} };
    let stored = 0;
    await expect(
      new Promise((_, reject) =>
        from(items)
          .pipe(toJetStream(stream))
          .subscribe({ next: () => stored++, error: reject }),
      ),
    ).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/no room to store|allows no more/),
      hint: expect.stringContaining('resume'),
    });
    expect(stored).toBeGreaterThan(0);
    spawn('mount', ['-o', 'remount,size=40000k', store]);
    await setTimeout(200);
    await server.restart();
    expect(await lastValueFrom(from(items).pipe(toJetStream(stream), toArray()))).toHaveLength(40);
    const read = await lastValueFrom(fromJetStream(stream).pipe(toArray()));
    expect(read.map((batch) => anchorsOf(batch as ReturnType<typeof anchorBatch>)[0])).toEqual(
      items.map((_, i) => i),
    );
    figure(
      14,
      `the server's disk full after ${stored} of 40 batches: one message; then 40 of 40 arrive, each once`,
    );
  }, 60_000);
});

describe.skipIf(!natsServer)('figure 14: the server is killed', () => {
  it('and started again on its store, over and over: nothing lost, nothing twice', async () => {
    const server = await testServer();
    const count = fullSize ? 2_000 : 60;
    const stream = { stream: 'cells', server: server.url, nats: {} };
    const written = lastValueFrom(
      from(Array.from({ length: count }, (_, i) => anchorBatch(Uint32Array.of(i, i)))).pipe(
        concatMap((item) => of(item).pipe(delay(10))),
        toJetStream(stream),
        toArray(),
      ),
    );
    let arrived = 0;
    const read = lastValueFrom(
      fromJetStream(stream).pipe(
        tap(() => arrived++),
        toArray(),
      ),
    );
    let kills = 0;
    let over = false;
    const killer = (async () => {
      await until(() => arrived > 0);
      while (!over && kills < 20) {
        await setTimeout(50 + Math.random() * 200);
        await server.kill9();
        await server.restart();
        kills++;
      }
    })();
    expect(await written).toHaveLength(count);
    const batches = await read;
    over = true;
    await killer;
    expect(batches.map((batch) => anchorsOf(batch as ReturnType<typeof anchorBatch>)[0])).toEqual(
      Array.from({ length: count }, (_, i) => i),
    );
    figure(
      14,
      `kill -9 of the server ${kills} times while ${count} batches were written and read: ${count} arrived, in order, each once`,
    );
  }, 120_000);
});
