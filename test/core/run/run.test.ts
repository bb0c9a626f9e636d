import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Field, Float64, Int32, Schema } from 'apache-arrow';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { lastValueFrom, of, take, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parse } from 'yaml';
import { makeBatch, rowsOf } from '../../../src/core/batch/index.js';
import { nasbench101Controller as config } from '../../../src/core/controller/config.js';
import { initialWeights } from '../../../src/core/controller/weights.js';
import { RxnasError } from '../../../src/core/errors.js';
import {
  createRun,
  latestRun,
  listRuns,
  openRun,
  type Run,
  rebuildTables,
  resumeRun,
} from '../../../src/core/run/index.js';
import { figure } from '../../support/figure.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const step = (n: number) => ({
  step: n,
  epoch: 0,
  total: 1 / (n + 1),
  reconstruction: 0.5,
  metric: Number.NaN,
  mined: Number.NaN,
  learning_rate: 1,
  gradient_norm: -0,
  spread: 0.25,
  effective_rank: 3,
});

const spec = { loss: 'TripletMargin', batch: 512, nested: { list: [1, 'two', null] } };
const create = (root: string, kind = 'pretrain') => createRun({ kind, root, spec, seed: 7 });

const checkpointAt = (run: Run, n: number) =>
  run.checkpoint({
    space: 'nasbench101',
    controller: { config, weights: initialWeights(config, n) },
    position: { step: n, epoch: 0, round: 0 },
    state: { n },
  });

const rowsIn = (dir: string, event: string) =>
  [...openRun(dir).records({ events: [event] })].flatMap(({ batch }) => [...rowsOf(batch)]);

async function refusal(work: Promise<unknown> | (() => unknown)): Promise<RxnasError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    expect(error).toBeInstanceOf(RxnasError);
    return error as RxnasError;
  }
  throw new Error('it was not refused');
}

const parquet = async (dir: string, name: string) =>
  parquetReadObjects({ file: await asyncBufferFromFile(join(dir, name)) });

describe('a run', () => {
  it('has its folder, from the first moment', async () => {
    const root = temporaryFolder();
    const run = await create(root);
    expect(run.dir).toMatch(/\/\d{8}-\d{6}-pretrain-[0-9a-z]{6}$/);
    expect(readdirSync(run.dir).sort()).toEqual(
      ['checkpoints', 'events.log', 'manifest.json', 'run.lock', 'spec.lock.yaml'].sort(),
    );
    expect(parse(readFileSync(join(run.dir, 'spec.lock.yaml'), 'utf8'))).toEqual(spec);
    const { manifest, holder } = openRun(run.dir);
    expect(manifest).toMatchObject({ kind: 'pretrain', status: 'running', seed: 7, spec, tags: [] });
    expect(manifest.versions).toMatchObject({
      node: process.version,
      rxnas: expect.stringMatching(/^\d+\./),
    });
    expect(holder?.pid).toBe(process.pid);
    run.close();
    expect(openRun(run.dir).holder).toBeUndefined();
  });

  it('logs, projects and ends', async () => {
    const run = await create(temporaryFolder());
    for (let n = 0; n < 2000; n++) run.append('step', step(n));
    run.append('warning', [{ code: 'collapse', message: 'spread 0', step: 3 }]);
    run.append('embedding', { cell: 5, hash: 'abc', embedding: [0.5, -1] });
    await run.finish('done', { best: 0.94 });
    const { manifest } = openRun(run.dir);
    expect(manifest).toMatchObject({
      status: 'done',
      summary: { best: 0.94 },
      log: { rows: { step: 2000 } },
    });
    expect(rowsIn(run.dir, 'step')).toEqual(Array.from({ length: 2000 }, (_, n) => step(n)));
    expect(await parquet(run.dir, 'metrics-000.parquet')).toEqual(rowsIn(run.dir, 'step'));
    expect(await parquet(run.dir, 'embeddings-000.parquet')).toEqual([
      { cell: 5, hash: 'abc', embedding: [0.5, -1] },
    ]);
    expect(existsSync(join(run.dir, 'queries-000.parquet'))).toBe(false);
    expect(existsSync(join(run.dir, 'run.lock'))).toBe(false);
    expect(() => run.append('step', step(0))).toThrow('is closed');
    await expect(run.finish('failed')).rejects.toThrow('has ended already');
    expect(openRun(run.dir).manifest.status).toBe('done');
  });

  it('projects the same bytes again from its log', async () => {
    const run = await create(temporaryFolder());
    run.append('train', {
      round: 1,
      epoch: 2,
      total: 3,
      mse: 4,
      reconstruction: 5,
      gradient_norm: 6,
      learning_rate: 7,
    });
    await run.finish('done');
    const file = join(run.dir, 'metrics-000.parquet');
    const before = readFileSync(file);
    writeFileSync(file, 'damaged');
    writeFileSync(join(run.dir, 'metrics-001.parquet'), 'stale');
    writeFileSync(join(run.dir, '.tmp-1-2-metrics-000.parquet'), 'left behind');
    expect(await rebuildTables(run.dir)).toEqual({ metrics: 1 });
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(run.dir).filter((name) => /metrics|tmp/.test(name))).toEqual(['metrics-000.parquet']);
  });

  it('takes events of your own', async () => {
    const run = await create(temporaryFolder());
    const schema = new Schema<{ k: Int32; v: Float64 }>([
      new Field('k', new Int32(), false),
      new Field('v', new Float64(), false),
    ]);
    run.append('mine', makeBatch(schema, { k: Int32Array.of(1, 2), v: Float64Array.of(3, 4) }));
    expect(() => run.append('mine' as never, { k: 1, v: 2 } as never)).toThrow("'mine' is no event of rxnas");
    expect(() => run.append('constructor' as never, {} as never)).toThrow('is no event');
    run.close();
    expect(rowsIn(run.dir, 'mine')).toEqual([
      { k: 1, v: 3 },
      { k: 2, v: 4 },
    ]);
  });

  it('figure 5: keeps order and number under 64 concurrent producers', async () => {
    const run = await create(temporaryFolder());
    const produce = async (producer: number) => {
      for (let i = 0; i < 50; i++) {
        run.append('proposal', { round: producer, step: i, decoded: 0, valid: 0, fresh: 0 });
        if (i % (1 + (producer % 5)) === 0) await Promise.resolve();
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, p) => produce(p)));
    run.close();
    const rows = rowsIn(run.dir, 'proposal') as { round: number; step: number }[];
    expect(rows).toHaveLength(64 * 50);
    for (let p = 0; p < 64; p++) {
      const own = rows.filter(({ round }) => round === p).map(({ step }) => step);
      expect(own).toEqual(Array.from({ length: 50 }, (_, i) => i));
    }
    figure(5, `log: ${rows.length} rows of 64 producers, each once, those of a producer in order`);
  });
});

describe('resuming', () => {
  it('goes back to the checkpoint, so that the same rows follow', async () => {
    const root = temporaryFolder();
    const whole = await create(root);
    const cut = await create(root);
    for (const run of [whole, cut]) {
      for (let n = 0; n < 10; n++) run.append('step', step(n));
      await checkpointAt(run, 10);
      for (let n = 10; n < 15; n++) run.append('step', step(n));
    }
    cut.close(); // as if killed; rows 10 to 14 are in the log
    appendFileSync(join(cut.dir, 'events.log'), 'RXLF torn');
    const { run, checkpoint, warnings } = await resumeRun(cut.dir);
    expect(warnings).toEqual([
      expect.stringMatching(/last record of .* was not whole.*9 bytes from byte \d+ on were cut/),
    ]);
    expect(checkpoint).toMatchObject({ position: { step: 10 }, state: { n: 10 } });
    expect(checkpoint!.controller!.weights).toEqual(initialWeights(config, 10));
    for (let n = 10; n < 15; n++) run.append('step', step(n));
    for (const each of [whole, run]) {
      for (let n = 15; n < 20; n++) each.append('step', step(n));
      await each.finish('done');
    }
    expect(rowsIn(run.dir, 'step')).toEqual(rowsIn(whole.dir, 'step'));
    const bytes = (dir: string) => readFileSync(join(dir, 'metrics-000.parquet'));
    expect(bytes(run.dir)).toEqual(bytes(whole.dir));
  });

  it('begins anew where there is no checkpoint', async () => {
    const first = await create(temporaryFolder());
    first.append('step', step(0));
    first.close();
    const { run, checkpoint, warnings } = await resumeRun(first.dir);
    expect([checkpoint, warnings]).toEqual([undefined, []]);
    expect(run.position).toMatchObject({ records: 0, rows: {} });
    run.append('step', step(0));
    run.close();
    expect(rowsIn(run.dir, 'step')).toHaveLength(1);
  });

  it('uses the checkpoint before a damaged one, and keeps that one', async () => {
    const first = await create(temporaryFolder());
    for (const n of [1, 2]) {
      first.append('step', step(n));
      await checkpointAt(first, n);
    }
    first.close();
    const folder = join(first.dir, 'checkpoints');
    writeFileSync(join(folder, '00000001.ckpt'), 'RXNASCKP and nonsense');
    const { run, checkpoint, warnings } = await resumeRun(first.dir);
    expect(checkpoint?.position.step).toBe(1);
    expect(warnings).toEqual([expect.stringContaining('00000001.ckpt is passed over')]);
    expect(rowsIn(run.dir, 'step')).toHaveLength(1);
    await checkpointAt(run, 2);
    expect(readdirSync(folder).sort()).toEqual(['00000000.ckpt', '00000001.ckpt', '00000001.ckpt.damaged']);
    run.close();
  });

  it('is refused while another one has the run, and when it is finished', async () => {
    const run = await create(temporaryFolder());
    const busy = await refusal(resumeRun(run.dir));
    expect(busy.exitCode).toBe(1);
    expect(busy.message).toContain('in use by this process');
    await run.finish('done');
    const finished = await refusal(resumeRun(run.dir));
    expect([finished.exitCode, finished.message]).toEqual([2, `the run ${run.dir} is finished`]);
    expect(existsSync(join(run.dir, 'run.lock'))).toBe(false);
    expect((await refusal(resumeRun(temporaryFolder()))).exitCode).toBe(3);
  });

  it('goes further back where the log was cut or damaged before a checkpoint', async () => {
    const first = await create(temporaryFolder());
    const ends: number[] = [];
    for (const n of [1, 2]) {
      for (let i = 0; i < 10; i++) first.append('step', step(i));
      await checkpointAt(first, n);
      ends.push(first.position.bytes);
    }
    first.close();
    const log = join(first.dir, 'events.log');
    const bytes = readFileSync(log);
    writeFileSync(log, bytes.subarray(0, bytes.length - 1));
    const cut = await resumeRun(first.dir);
    expect(cut.checkpoint?.position.step).toBe(1);
    expect(cut.warnings.join()).toContain('00000001.ckpt is passed over');
    expect(cut.run.position.bytes).toBe(ends[0]);
    cut.run.close();

    const damaged = readFileSync(log);
    damaged[200]! ^= 4;
    writeFileSync(log, damaged);
    const anew = await resumeRun(first.dir);
    expect(anew.checkpoint).toBeUndefined();
    expect(anew.warnings.join()).toContain('begins anew');
    anew.run.close();
    expect(readFileSync(`${log}.damaged`)).toEqual(damaged);
  });

  it('writes nothing through links in the folder', async () => {
    const first = await create(temporaryFolder());
    first.close();
    const outside = temporaryFolder();
    rmSync(join(first.dir, 'checkpoints'), { recursive: true });
    symlinkSync(outside, join(first.dir, 'checkpoints'));
    expect((await refusal(resumeRun(first.dir))).message).toContain('is not a folder');
    rmSync(join(first.dir, 'checkpoints'));
    const target = join(outside, 'target');
    writeFileSync(target, readFileSync(join(first.dir, 'events.log')));
    rmSync(join(first.dir, 'events.log'));
    symlinkSync(target, join(first.dir, 'events.log'));
    expect((await refusal(resumeRun(first.dir))).message).toContain('not a regular file');
    expect(readdirSync(outside)).toEqual(['target']);
  });
});

describe('folders', () => {
  it('given by --out: new or empty ones, else usage', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'a', 'b');
    const make = (path: string) => createRun({ kind: 'search', out: path, spec, seed: 1 });
    const run = await make(out);
    expect(run.dir).toBe(out);
    run.close();
    const again = await refusal(make(out));
    expect([again.exitCode, again.message]).toEqual([2, `${out} holds a run already`]);
    expect(again.hint).toContain(`rxnas resume ${out}`);
    mkdirSync(join(folder, 'empty'));
    (await make(join(folder, 'empty'))).close();
    mkdirSync(join(folder, 'full'));
    writeFileSync(join(folder, 'full', 'thesis.tex'), 'precious');
    expect(await refusal(make(join(folder, 'full')))).toMatchObject({ exitCode: 2 });
    expect(await refusal(make(join(folder, 'full', 'thesis.tex')))).toMatchObject({ exitCode: 2 });
    expect(await refusal(make(join(folder, 'full', 'thesis.tex', 'x')))).toMatchObject({ exitCode: 1 });
    expect(readdirSync(join(folder, 'full'))).toEqual(['thesis.tex']);
  });

  it.skipIf(process.getuid?.() === 0)('that cannot be written', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o555);
    const error = await refusal(createRun({ kind: 'x', root: join(folder, 'runs'), spec, seed: 1 }));
    expect([error.exitCode, error.message]).toEqual([1, expect.stringContaining('no permission to write')]);
  });

  it('in which a process ended before it had made the run', async () => {
    const out = join(temporaryFolder(), 'out');
    (await createRun({ kind: 'x', out, spec, seed: 1 })).close();
    rmSync(join(out, 'manifest.json'));
    expect(await refusal(createRun({ kind: 'x', out, spec, seed: 1 }))).toMatchObject({ exitCode: 2 });
    writeFileSync(join(out, 'run.lock'), JSON.stringify({ pid: 999_999_999, start: '', host: hostname() }));
    writeFileSync(join(out, '.tmp-1-1-manifest.json'), '{');
    (await createRun({ kind: 'x', out, spec, seed: 1 })).close();
    expect(openRun(out).manifest.status).toBe('running');
  });

  it('have names that stay inside the root', async () => {
    const root = temporaryFolder();
    const run = await create(root, '../../etc/Pass wd');
    run.close();
    expect(run.dir.startsWith(`${root}/`)).toBe(true);
    expect(run.dir).toMatch(/-etc-pass-wd-[0-9a-z]{6}$/);
  });

  it('are listed, the broken ones marked, and found by kind', async () => {
    const root = temporaryFolder();
    expect(listRuns(join(root, 'none'))).toEqual([]);
    const old = await create(root);
    await old.finish('interrupted');
    const run = await create(root);
    await run.finish('done');
    (await create(root, 'search')).close();
    for (const [name, text] of Object.entries({
      empty: '',
      pollution: '{"__proto__":{"polluted":1}}',
      nested: '['.repeat(1e5),
      later: '{"format":"rxnas-run","version":99}',
      foreign: '{"name":"left-pad"}',
    })) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'manifest.json'), text);
    }
    mkdirSync(join(root, 'no-run'));
    const entries = listRuns(root);
    expect(
      entries
        .filter(({ manifest }) => manifest)
        .map(({ manifest }) => manifest!.kind)
        .sort(),
    ).toEqual(['pretrain', 'pretrain', 'search']);
    const broken = entries.filter(({ broken }) => broken);
    expect(broken).toHaveLength(5);
    expect(broken.map(({ broken }) => broken).join('\n')).toContain('has version 99');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(latestRun(root, 'pretrain', ['interrupted'])).toBe(old.dir);
    expect([old.dir, run.dir]).toContain(latestRun(root, 'pretrain'));
    expect(latestRun(root, 'sweep')).toBeUndefined();
  });

  it('a manifest is replaced whole', async () => {
    const run = await create(temporaryFolder());
    await run.update({ tags: ['paper'], note: 'first try' });
    expect(openRun(run.dir).manifest).toMatchObject({ tags: ['paper'], note: 'first try' });
    await run.finish('failed');
    expect(openRun(run.dir).manifest.status).toBe('failed');
    expect(statSync(join(run.dir, 'manifest.json')).isFile()).toBe(true);
  });

  it('a finished run whose log lost records at its end is not read as if it were whole', async () => {
    const run = await create(temporaryFolder());
    run.append('step', step(0));
    run.flush();
    const { bytes } = run.position;
    run.append('warning', { code: 'x', message: 'y', step: 0 });
    await run.finish('done');
    const log = join(run.dir, 'events.log');
    writeFileSync(log, readFileSync(log).subarray(0, bytes));
    expect(() => rowsIn(run.dir, 'step')).toThrow('ends at byte');
  });
});

describe('record and replay', () => {
  it('are the two ends of a run', async () => {
    const { record } = await import('../../../src/operators/record.js');
    const { replay, replayRows } = await import('../../../src/operators/replay.js');
    const run = await create(temporaryFolder());
    const rows = Array.from({ length: 3000 }, (_, n) => step(n));
    const passed = await lastValueFrom(of(...rows).pipe(record({ run, event: 'step' }), toArray()));
    expect(passed).toEqual(rows);
    await lastValueFrom(
      of(1, 2, 3).pipe(
        record({
          run,
          event: 'warning',
          toRows: (n: number) => (n === 2 ? { code: 'two', message: '', step: n } : undefined),
        }),
      ),
    );
    await run.finish('done');
    expect(await lastValueFrom(replayRows(run.dir, 'step').pipe(toArray()))).toEqual(rows);
    expect(await lastValueFrom(replayRows(run.dir, 'warning').pipe(toArray()))).toEqual([
      { code: 'two', message: '', step: 2 },
    ]);
    const records = await lastValueFrom(replay({ run: run.dir, events: ['step'] }).pipe(toArray()));
    expect(records.map(({ row }) => row)).toEqual([0, 1024, 2048]);
    expect((await lastValueFrom(replayRows(run.dir, 'step').pipe(take(5), toArray()))).length).toBe(5);
  });

  it('an error of the log is an error of the stream', async () => {
    const { record } = await import('../../../src/operators/record.js');
    const run = await create(temporaryFolder());
    run.close();
    await expect(lastValueFrom(of(step(0)).pipe(record({ run, event: 'step' })))).rejects.toThrow(
      'is closed',
    );
  });

  it.skipIf(process.platform !== 'linux')(
    'pulls by credit, and closes the file when unsubscribed',
    async () => {
      const { Credit } = await import('../../../src/core/backpressure.js');
      const { replay } = await import('../../../src/operators/replay.js');
      const run = await create(temporaryFolder());
      for (let n = 0; n < 10_000; n++) run.append('step', step(n));
      run.close();
      const files = () => readdirSync('/proc/self/fd').length;
      const before = files();
      const credit = new Credit(2);
      let seen = 0;
      const subscription = replay({ run: run.dir, credit }).subscribe(() => {
        seen++;
        credit.take();
      });
      expect([seen, files()]).toEqual([2, before + 1]);
      credit.give();
      expect(seen).toBe(3);
      subscription.unsubscribe();
      expect(files()).toBe(before);
      credit.give();
      expect(seen).toBe(3);
    },
  );

  it('in logged time', async () => {
    const { replay } = await import('../../../src/operators/replay.js');
    const run = await create(temporaryFolder());
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    for (let n = 0; n < 3; n++) {
      run.append('step', step(n));
      run.flush();
      vi.setSystemTime(Date.now() + 600);
    }
    run.close();
    const seen = (speed: number) => {
      const rows: number[] = [];
      const subscription = replay({ run: run.dir, pace: 'logged', speed }).subscribe(({ row }) =>
        rows.push(row),
      );
      onTestFinished(() => subscription.unsubscribe());
      return rows;
    };
    const logged = seen(1);
    const fast = seen(10);
    vi.advanceTimersByTime(61);
    expect([logged, fast]).toEqual([[0], [0, 1]]);
    vi.advanceTimersByTime(61);
    expect(fast).toEqual([0, 1, 2]);
    vi.advanceTimersByTime(600);
    expect(logged).toEqual([0, 1]);
  });
});
