import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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

const { openEngine } = await import('../../../src/core/engine/index.js');
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
