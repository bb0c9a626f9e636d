import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { objectFiles } from '../../../src/core/nats/files.js';
import { connectNats, Objects } from '../../../src/core/nats/index.js';
import { NatsWorker } from '../../../src/core/nats/worker.js';
import { readManifest } from '../../../src/core/run/index.js';
import { standing, wantedSweep } from '../../../src/jobs/kinds.js';
import { sweepJob } from '../../../src/jobs/sweep/job.js';
import { sweepKind } from '../../../src/jobs/sweep/unitKind.js';
import { workKinds } from '../../../src/jobs/worker.js';
import { readSweep } from '../../../src/pipelines/fromSpec/sweep.js';
import { natsServer, TestServer } from '../../support/nats.js';
import { writeSyntheticTable } from '../../support/syntheticTable.js';
import { here, resultRows } from './support.js';

/** A sweep with a pretraining and a table of its own. */
const declared = (table: string) =>
  readSweep({
    sweep: { seeds: 2, losses: ['TripletMargin'] },
    pretrain: {
      extends: 'pretrain',
      set: { 'anchors.steps': 4, 'batch.rows': 32, watchCollapse: null, embed: null, engine: 'simd' },
    },
    search: {
      extends: 'search',
      benchmark: `nasbench201:${table}`,
      engine: 'simd',
      set: {
        'rounds.searcher': { nao: { initial: 20, perRound: 10, epochs: 2 } },
        'benchmarkLookup.budget': 30,
        'rounds.most': 2,
        embed: null,
      },
    },
    variants: { Random: { pretrain: null, search: { set: { 'rounds.searcher': 'random' } } } },
  });

describe.skipIf(!natsServer)('a sweep over NATS', () => {
  let folder: string;
  let server: TestServer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rxnas-test-'));
    server = await TestServer.start();
    await writeSyntheticTable(join(folder, 'table.parquet'), 7);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has the rows of one on this machine, with its pretrainings; table, weights and runs travel', async () => {
    const sweep = await declared(join(folder, 'table.parquet'));
    const local = await sweepJob(sweep, { out: join(folder, 'local'), stop: NEVER, executor: here() });

    const nats = await connectNats(server.url);
    const files = objectFiles(new Objects(nats, { folder: join(folder, 'objects') }));
    const worker = new NatsWorker({ nats, kinds: workKinds, slots: 2, files });
    const working = worker.run();
    onTestFinished(async () => {
      await worker.leave(0);
      await working;
      await nats.close();
    });
    const out = join(folder, 'nats');
    const elsewhere = await sweepJob(sweep, { out, stop: NEVER, on: server.url });
    expect(resultRows(out)).toEqual(resultRows(local.dir));
    expect({ ...elsewhere, dir: '' }).toEqual({ ...local, dir: '' });
    expect(worker.counts).toMatchObject({ done: 6, failed: 0, refused: 0 });
    const logOf = (dir: string) => readFileSync(join(dir, 'pretrain-TripletMargin-1', 'metrics-000.parquet'));
    expect(logOf(out)).toEqual(logOf(local.dir));
    // Where it was carried out is remembered, and does not make it another sweep.
    expect(readManifest(out).spec).toMatchObject({ executor: server.url });
    expect(await standing(out, wantedSweep(sweep))).toBe('done');
  }, 60_000);
});

describe('units of a sweep as messages', () => {
  const reference = `object:${'a'.repeat(64)}:12`;
  const good = {
    kind: 'search',
    name: 'search-nao-1-1',
    spec: {
      name: 'search',
      benchmark: { nasbench201: { file: reference } },
      pipeline: [{ rounds: { searcher: 'random', each: { query: ['propose', { benchmarkLookup: {} }] } } }],
    },
    weights: reference,
  };
  const { message } = sweepKind();
  const says = (unit: object) => message.safeParse(unit).error?.issues[0]?.message;

  it('are taken as they are sent', () => {
    expect(says(good)).toBeUndefined();
    expect(message.parse(good)).toEqual(good);
  });

  it.each<[string, object, RegExp]>([
    ['modules', { use: ['./evil.mjs'] }, /the field use/],
    ['another spec', { extends: '/etc/passwd' }, /the field extends/],
    ['a controller of the worker', { controller: '/root/run' }, /the field controller/],
    ['an executor', { executor: 'nats://elsewhere' }, /the field executor/],
    ['a table of the worker', { benchmark: { nasbench201: { file: '/etc/passwd' } } }, /a file of its own/],
    ['a training in a training', { benchmark: { live: { data: 'mnist' } } }, /the benchmark live/],
    ['an unknown benchmark', { benchmark: 'mine' }, /the benchmark mine/],
    ['a file to write', { pipeline: [{ write: { file: '/tmp/x' } }] }, /the stage write/],
    [
      'a run to read',
      { pipeline: { a: ['mutate'], b: [{ replay: { run: 'latest' } }] } },
      /the stage replay/,
    ],
    ['a stream', { pipeline: [{ tee: { one: ['toJetStream'] } }] }, /the stage toJetStream/],
    ['hidden in a loop', { pipeline: [{ rounds: { each: { a: [{ write: {} }] } } }] }, /the stage write/],
    ['hidden beside', { pipeline: [{ mutate: {}, write: { file: 'x' } }] }, /the stage write/],
  ])('that ask for %s are refused', (_, spec, expected) => {
    expect(says({ ...good, spec: { ...good.spec, ...spec } })).toMatch(expected);
  });

  it.each([
    ['a folder elsewhere', { name: 'pretrain-../../x' }],
    ['another name', { name: '../x' }],
    ['weights of the worker', { weights: '/root/weights' }],
    ['another kind', { kind: 'shell' }],
    ['more than there is', { code: '1' }],
    ['no spec', { spec: ['mutate'] }],
  ])('with %s are refused', (_, over) => {
    expect(message.safeParse({ ...good, ...over }).success).toBe(false);
  });
});
