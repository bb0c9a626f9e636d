import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import { openEngine } from '../../../../src/core/engine/index.js';

/** Node 20 has relaxed SIMD behind a flag, later versions have it without and do not know the flag. */
const flags = Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];
const script = fileURLToPath(new URL('relaxed.mjs', import.meta.url));

afterEach(() => vi.restoreAllMocks());

test('computes what simd does up to rounding, the same for any number of threads', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script]);
  const { gradients, predictions, hashes } = JSON.parse(stdout);
  expect(gradients).toBeLessThan(1e-5);
  expect(predictions).toBeLessThan(2e-6);
  expect(new Set(hashes).size).toBe(1);
});

test('is refused where the runtime has no relaxed SIMD, and never chosen by auto', async () => {
  vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
  await expect(openEngine('simd-relaxed', { threads: 1 })).rejects.toMatchObject({
    exitCode: 1,
    message: expect.stringContaining('has no relaxed SIMD'),
    hint: expect.stringContaining('--experimental-wasm-relaxed-simd'),
  });
  const engine = await openEngine('auto', { threads: 1 });
  expect(engine.name).not.toBe('simd-relaxed');
  await engine.dispose();
});
