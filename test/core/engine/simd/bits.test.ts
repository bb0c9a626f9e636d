import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

/** Of the weights after the 200 steps of weightsHash.mjs. It changes when an operation of the kernels or their order does. */
const HASH = 'eeff1bfeea2979189616e0f40a33614662a90bc26adbec23df93fa5c5a5bcbde';

const script = fileURLToPath(new URL('weightsHash.mjs', import.meta.url));
const inRepository = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
async function hash(node: string, flags: string[], threads: number): Promise<string> {
  const { stdout } = await promisify(execFile)(node, [...flags, script, String(threads)]);
  return stdout.trim();
}

test.each([
  [1, []],
  [2, ['--liftoff-only']],
  [3, ['--no-wasm-tier-up']],
  [2, ['--no-liftoff', '--no-enable-avx']],
  [1, ['--no-wasm-dynamic-tiering', '--no-enable-avx2']],
] as [number, string[]][])('threads %i, node %j: the same weights to the bit', async (threads, flags) => {
  expect(await hash(process.execPath, flags, threads)).toBe(HASH);
});

/** Other Node binaries on this machine, separated by colons. */
const others = process.env.RXNAS_OTHER_NODES?.split(':') ?? [];
describe.skipIf(others.length === 0)('another version of Node', () => {
  test.each(others)('%s gives the same weights', async (node) => {
    expect(await hash(node, [], 2)).toBe(HASH);
    expect(await hash(node, ['--liftoff-only'], 1)).toBe(HASH);
  });

  test.each(others)('%s computes the golden runs again to the bit', async (node) => {
    for (const run of ['pretrain-1', 'search-1']) {
      const { stdout } = await promisify(execFile)(node, [
        inRepository('bin/rxnas.mjs'),
        ...['replay', inRepository(`test/golden/runs/${run}`), '--verify', '--json'],
      ]);
      expect(JSON.parse(stdout), run).toMatchObject({ status: 'equal', engine: 'simd', tolerance: 0 });
    }
  });
});

/** A Python with the package wasmtime: CONTRIBUTING says how to get one. */
const python = [process.env.RXNAS_WASMTIME_PYTHON, inRepository('.cache/wasmtime/bin/python')].find(
  hasWasmtime,
);
function hasWasmtime(command: string | undefined): boolean {
  try {
    execFileSync(command!, ['-c', 'import wasmtime'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
test.skipIf(!python)('another WebAssembly runtime, Wasmtime, gives the same weights', () => {
  const input = execFileSync(process.execPath, [script, 'inputs']);
  const module = inRepository('dist/core/engine/simd/controller.wasm');
  const driver = inRepository('test/core/engine/simd/weightsHash.py');
  expect(execFileSync(python!, [driver, module], { input, encoding: 'utf8' }).trim()).toBe(HASH);
});
