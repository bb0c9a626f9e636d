import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEVER, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { rowsOf } from '../../src/core/batch/index.js';
import { openRun } from '../../src/core/run/index.js';
import { resolvedSpec, specHash } from '../../src/core/spec/resolved.js';
import { specOfRun } from '../../src/jobs/kinds.js';
import { resumeSpec, specJob } from '../../src/jobs/specJob.js';
import { verifyRun } from '../../src/jobs/verify.js';
import { readSpec } from '../../src/pipelines/fromSpec/index.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const engine = { simd: { threads: 1 } };

/** Two steps for each batch of anchors, so that a step is no place to begin the source with. */
const unaligned = {
  name: 'unaligned',
  seed: 3,
  engine,
  space: 'nasbench201',
  pipeline: {
    train: [
      { anchors: { classes: 8, steps: 6 } },
      'mutate',
      { batch: { rows: 32 } },
      'encode',
      'mine',
      { lossStep: { loss: 'TripletMargin' } },
      { record: { event: 'step' } },
      { checkpoint: { every: 5 } },
    ],
    embed: [{ embedCells: { sample: 20 } }, { record: { event: 'embedding' } }],
  },
};

/** Pretraining, then a search with the same controller. */
const twice = {
  name: 'twice',
  engine,
  benchmark: 'mnist-cells5',
  pipeline: {
    train: [
      { anchors: { classes: 4, steps: 4 } },
      ...['mutate', 'batch'].map((stage) => (stage === 'batch' ? { batch: { rows: 32 } } : stage)),
      ...['encode', 'mine', { lossStep: { loss: 'TripletMargin' } }, { record: { event: 'step' } }],
    ],
    search: [
      {
        rounds: {
          searcher: { nao: { initial: 10, perRound: 5, top: 5, epochs: 2, trainBatch: 8 } },
          each: {
            query: ['propose', { benchmarkLookup: { budget: 25 } }, { record: { event: 'query' } }],
            learn: ['learn', { record: { event: 'train' } }],
          },
        },
      },
    ],
    embed: [{ embedCells: { sample: 'queried' } }, { record: { event: 'embedding' } }],
  },
};

const rows = (dir: string) =>
  [...openRun(dir).records()]
    .filter(({ event }) => !['checkpoint', 'stage'].includes(event))
    .flatMap(({ event, batch }) => [...rowsOf(batch)].map((row) => ({ event, ...row })));

async function run(spec: object, stopAt?: (event: string, row: Record<string, number>) => boolean) {
  const dir = join(temporaryFolder(), 'run');
  const stop = new Subject<void>();
  const { status } = await specJob(await readSpec(spec), {
    out: dir,
    stop: stopAt ? stop : NEVER,
    onRow: ({ event, row }) => stopAt?.(event, row as never) && stop.next(),
  });
  return { dir, status };
}

describe('the run of a spec', () => {
  it.each([
    [
      'a source that no step fits',
      unaligned,
      (event: string, row: Record<string, number>) => event === 'step' && row.step === 6,
    ],
    [
      'in the middle of a search',
      twice,
      (event: string, row: Record<string, number>) => event === 'train' && row.round === 1,
    ],
  ])('resumes to the same rows and verifies: %s', async (_, spec, stopAt) => {
    const whole = await run(spec);
    const stopped = await run(spec, stopAt);
    expect(stopped.status).toBe('interrupted');
    const { dir } = stopped;
    const { status } = await resumeSpec(dir, await specOfRun(openRun(dir).manifest), { stop: NEVER });
    expect(status).toBe('done');
    expect(rows(dir)).toEqual(rows(whole.dir));
    expect((await verifyRun(dir, { stop: NEVER })).status).toBe('equal');
  });

  it('holds its resolved spec, which resolves to itself, and its hash', async () => {
    const { dir } = await run({ ...unaligned, pipeline: [{ anchors: { classes: 4, steps: 2 } }] });
    const lock = readFileSync(join(dir, 'spec.lock.yaml'), 'utf8');
    const { spec } = await readSpec(lock);
    expect(resolvedSpec(spec)).toEqual(parse(lock));
    expect(resolvedSpec(spec)).toEqual(openRun(dir).manifest.spec);
    expect(lock.split('\n')[0]).toBe(`# ${specHash(resolvedSpec(spec))}`);
  });

  it('says where it cannot be resumed', async () => {
    const notes: string[] = [];
    const file = join(temporaryFolder(), 'steps.csv');
    const spec = structuredClone(unaligned) as { pipeline: { train: unknown[] } };
    spec.pipeline.train.push({ write: { file } });
    const dir = join(temporaryFolder(), 'run');
    const stop = new Subject<void>();
    await specJob(await readSpec(spec), {
      out: dir,
      stop,
      onNote: (line) => notes.push(line),
      onRow: ({ event, row }) => event === 'step' && row.step === 6 && stop.next(),
    });
    expect(notes).toEqual([
      expect.stringContaining("write keeps what no checkpoint holds: stopped in 'train'"),
    ]);
    await expect(
      resumeSpec(dir, await specOfRun(openRun(dir).manifest), { stop: NEVER }),
    ).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining("in the middle of 'train'") });
    expect(readFileSync(file, 'utf8').split('\n').length).toBeGreaterThan(6);
  });
});
