/**
 * Compile the simd engine's AssemblyScript to dist/core/engine/simd/controller.wasm. Does nothing where that file is newer than its
 * sources and this script.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newestChange } from './build.mjs';
import { isMain, reporting, SetupError } from './setup/say.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = 'src/core/engine/simd/assembly';
const output = 'dist/core/engine/simd/controller.wasm';

/** One memory that all threads share; 4 GiB is WebAssembly's limit, reserved but not used. */
const options = [
  join(sources, 'index.ts'),
  ...['--outFile', output],
  ...['--runtime', 'stub'],
  ...['--enable', 'simd', '--enable', 'threads', '--enable', 'bulk-memory'],
  ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  ...['--noAssert', '--optimizeLevel', '3', '--shrinkLevel', '0'],
];

export async function buildSimd() {
  const built = statSync(join(root, output), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built > Math.max(newestChange(join(root, sources)), newestChange(fileURLToPath(import.meta.url))))
    return;
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(dirname(join(root, output)), { recursive: true });
  const { error, stderr } = await asc.main([...options, '--baseDir', root]);
  if (error) throw new SetupError(`the simd kernels do not compile: ${error.message}\n${stderr}`);
}

if (isMain(import.meta.url)) await reporting(buildSimd);
