import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StandardEngineName } from '../../../src/core/engine/engine.js';
import { failure } from '../../../src/core/errors.js';

/** With and without a tfjs-node that loads, whatever this machine has. */
const load = vi.hoisted(() => ({ fails: false }));
vi.mock('../../../src/core/engine/tfjs/load.js', async (original) => {
  const actual = await original<typeof import('../../../src/core/engine/tfjs/load.js')>();
  return {
    loadTfjs: (options: object) =>
      load.fails
        ? Promise.reject(failure('tfjs-node cannot be loaded: no such library', 'run `npm run setup`'))
        : actual.loadTfjs(options),
  };
});

const { standardEngineNames, openEngine } = await import('../../../src/core/engine/index.js');
const { benchEngines } = await import('../../../src/core/engine/bench.js');
const { diagnose } = await import('../../../src/core/engine/doctor.js');
const native = await openEngine('tfjs', { threads: 1 }).then(
  (engine) => engine.dispose().then(() => true),
  () => false,
);

describe('where tfjs-node does not load', () => {
  beforeEach(() => {
    load.fails = true;
  });
  afterEach(() => {
    load.fails = false;
  });

  test('auto is simd, and says why', async () => {
    const engine = await openEngine('auto', { threads: 1 });
    expect(engine.name).toBe('simd');
    expect(engine.reason).toContain('no such library');
    await engine.dispose();
  });

  test('asked for by name it is an error with what to do', async () => {
    await expect(openEngine('tfjs')).rejects.toMatchObject({ exitCode: 1, hint: 'run `npm run setup`' });
  });

  test('the doctor names what is missing and the fix', async () => {
    const diagnosis = await diagnose();
    expect(diagnosis.engine).toBe('simd');
    expect(diagnosis.engines).toEqual({ tfjs: false, simd: true });
    expect(diagnosis.versions).toMatchObject({
      tfjs: null,
      libtensorflow: null,
      node: process.versions.node,
    });
    const missing = {
      what: 'the tfjs engine',
      why: 'tfjs-node cannot be loaded: no such library',
      fix: 'run `npm run setup`',
    };
    expect(diagnosis.missing).toEqual([missing]);
    expect(diagnosis.lines.join('\n')).toContain('fix: run `npm run setup`');
  });
});

test('a wrong name or number of threads is a usage error, also for auto', async () => {
  await expect(openEngine('tfsj' as 'tfjs')).rejects.toMatchObject({
    exitCode: 2,
    hint: expect.stringContaining("'tfjs'"),
  });
  await expect(openEngine('auto', { threads: 0 })).rejects.toMatchObject({ exitCode: 2 });
});

test.skipIf(!native)('where tfjs-node loads auto is tfjs, with its versions', async () => {
  const engine = await openEngine('auto', { threads: 1 });
  expect(engine).toMatchObject({ name: 'tfjs', threads: 1, reason: 'tfjs-node loads' });
  await engine.dispose();
  const diagnosis = await diagnose();
  expect(diagnosis).toMatchObject({ engine: 'tfjs', engines: { tfjs: true, simd: true } });
  expect(diagnosis.versions.tfjs).toMatch(/^4\./);
  expect(diagnosis.versions.libtensorflow).toMatch(/^2\./);
  expect(JSON.parse(JSON.stringify(diagnosis))).not.toHaveProperty('lines');
});

test('the bench has figures of each engine that loads, and a verdict', async () => {
  const { engines } = await diagnose();
  const bench = await benchEngines(0);
  const loads = standardEngineNames.filter((name) => engines[name]);
  expect(Object.keys(bench.engines).sort()).toEqual([...loads].sort());
  for (const name of loads) {
    const { threads, ...times } = bench.engines[name]!;
    expect(threads).toBeGreaterThan(0);
    expect(Object.keys(times)).toEqual(['search', 'pretraining', 'proposals']);
    for (const ms of Object.values(times)) expect(ms).toSatisfy((x: number) => x > 0 && x < 60_000);
    for (const line of bench.lines.slice(0, 3)) expect(line).toMatch(new RegExp(`${name} \\d+\\.\\d\\d ms`));
  }
  expect(loads).toContain(bench.faster);
  if (loads.length > 1) {
    const [best, other] = [bench.faster!, loads.find((name) => name !== bench.faster)!];
    const product = (name: StandardEngineName) => {
      const { search, pretraining, proposals } = bench.engines[name]!;
      return search * pretraining * proposals;
    };
    expect(product(best)).toBeLessThanOrEqual(product(other));
    expect(bench.factor).toBeCloseTo((product(other) / product(best)) ** (1 / 3), 9);
  }
  expect(bench.lines.at(-1)).toMatch(new RegExp(`^faster +${bench.faster}`));
});

test('where tfjs-node does not load the bench times simd alone', async () => {
  load.fails = true;
  try {
    const bench = await benchEngines(0);
    expect(bench).toMatchObject({ faster: 'simd', factor: null });
    expect(Object.keys(bench.engines)).toEqual(['simd']);
    expect(bench.lines.at(-1)).toContain('the only engine that loads');
  } finally {
    load.fails = false;
  }
});
