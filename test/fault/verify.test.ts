import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEVER } from 'rxjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { rowsOf } from '../../src/core/batch/index.js';
import { LogWriter, openRun, readLog } from '../../src/core/run/index.js';
import { pretrainJob } from '../../src/jobs/pretrain.js';
import { verifyRun } from '../../src/jobs/verify.js';
import { figure } from '../support/figure.js';
import { rxnas } from '../support/rxnas.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

// A stage that can be changed on purpose: at `fault.step` the spread of the embeddings is off by one bit.
const fault = vi.hoisted(() => ({ step: Number.POSITIVE_INFINITY }));
vi.mock('../../src/core/losses/health.js', async (original) => {
  const real = await original<typeof import('../../src/core/losses/health.js')>();
  let calls = 0;
  return {
    ...real,
    embeddingHealth: (...args: Parameters<typeof real.embeddingHealth>) => {
      const health = real.embeddingHealth(...args);
      return calls++ === fault.step ? { ...health, spread: health.spread * (1 + 2 ** -52) } : health;
    },
    restart: () => {
      calls = 0;
    },
  };
});

const settings = {
  ...{ space: 'nasbench201', batch: 32, steps: 12, embed: 8, engine: 'simd', threads: 1 },
};

async function pretrained(): Promise<string> {
  const { dir } = await pretrainJob(settings, { out: join(temporaryFolder(), 'run'), stop: NEVER });
  return dir;
}

const restart = async () =>
  ((await import('../../src/core/losses/health.js')) as unknown as { restart(): void }).restart();

describe('figure 3: a run computed anew', () => {
  beforeEach(async () => {
    fault.step = Number.POSITIVE_INFINITY;
    await restart();
  });

  it('is equal to the bit', async () => {
    const dir = await pretrained();
    expect(await verifyRun(dir, { stop: NEVER })).toMatchObject({
      status: 'equal',
      compared: { step: 12, embedding: 8 },
      tolerance: 0,
      largestDeviation: 0,
      changed: [],
    });
  });

  it('with one operator changed in its last bit diverges at the first row', async () => {
    const dir = await pretrained();
    fault.step = 7;
    await restart();
    const { status, difference, compared } = await verifyRun(dir, { stop: NEVER });
    expect(status).toBe('diverged');
    expect(difference).toMatchObject({ stage: 'lossStep', event: 'step', row: 7, column: 'spread' });
    expect(difference!.logged).not.toBe(difference!.computed);
    expect(compared).toEqual({ step: 7 });
    figure(3, 'an operator off by one bit at step 7: found at row 7, column spread');
  });

  it('and a log in which one value was changed, one row left out or put in: named', async () => {
    const dir = await pretrained();
    const rows = [...readLog(join(dir, 'events.log'))].flatMap(({ event, batch }) =>
      [...rowsOf(batch)].map((row) => ({ event, row: { ...row }, schema: batch.schema })),
    );
    const steps = rows.filter(({ event }) => event === 'step');
    const rewritten = async (
      change: (list: typeof rows) => typeof rows,
      copy = join(temporaryFolder(), 'run'),
    ) => {
      cpSync(dir, copy, { recursive: true });
      const manifest = JSON.parse(readFileSync(join(copy, 'manifest.json'), 'utf8'));
      delete manifest.log;
      writeFileSync(join(copy, 'manifest.json'), JSON.stringify(manifest));
      const log = LogWriter.create(join(copy, 'new.log'));
      for (const { event, row, schema } of change(rows)) log.appendRow(event, schema, row as never);
      log.close();
      cpSync(join(copy, 'new.log'), join(copy, 'events.log'));
      return verifyRun(copy, { stop: NEVER });
    };
    const changed = await rewritten((list) =>
      list.map((each) =>
        each === steps[4]
          ? { ...each, row: { ...each.row, total: (each.row.total as number) + 1e-15 } }
          : each,
      ),
    );
    expect(changed.difference).toMatchObject({ event: 'step', row: 4, column: 'total' });
    const less = await rewritten((list) => list.filter((each) => each !== steps[11]));
    expect(less.difference).toMatchObject({ row: 0, logged: 'embedding', computed: 'step' });
    const cut = await rewritten((list) => list.filter(({ event }) => event !== 'embedding'));
    expect(cut.difference).toMatchObject({ logged: undefined, computed: 'embedding' });
    const divergent = join(temporaryFolder(), 'run');
    await rewritten(
      (list) =>
        list.map((each) => (each === steps[3] ? { ...each, row: { ...each.row, gradient_norm: 42 } } : each)),
      divergent,
    );
    const { code, stdout } = await rxnas(['replay', divergent, '--verify', '--quiet']);
    expect(code).toBe(4);
    const [where, was, is, counted] = stdout.split('\n');
    expect(where).toBe(`${divergent} diverges at stage lossStep, row 3 of 'step', column 'gradient_norm':`);
    expect(was).toBe('  logged    42');
    expect(is).toBe(`  computed  ${steps[3]!.row.gradient_norm}`);
    expect(counted).toBe('3 step rows compared before it');

    const more = await rewritten((list) => [...list, list.findLast(({ event }) => event === 'embedding')!]);
    expect(more.difference).toMatchObject({ event: 'embedding', row: 8, computed: undefined });
    expect(openRun(dir).manifest.status).toBe('done');
    figure(
      3,
      'logs with a value changed, a row left out, rows cut off, a row put in: 5 of 5 found at that row',
    );
  });
});
