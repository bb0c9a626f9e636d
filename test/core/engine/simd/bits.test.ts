import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Of the weights after the 200 steps of weightsHash.mjs. It changes when an operation of the kernels or their order does. */
const HASH = 'eeff1bfeea2979189616e0f40a33614662a90bc26adbec23df93fa5c5a5bcbde';

const script = fileURLToPath(new URL('weightsHash.mjs', import.meta.url));
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
test.skipIf(others.length === 0)('other versions of Node give the same weights', async () => {
  for (const node of others) {
    expect(await hash(node, [], 2), node).toBe(HASH);
    expect(await hash(node, ['--liftoff-only'], 1), node).toBe(HASH);
  }
});
