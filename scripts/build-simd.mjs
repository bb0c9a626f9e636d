/**
 * Compile the AssemblyScript folders, `assembly`, to the WebAssembly modules that lie beside them in dist/. Does nothing where a module is
 * newer than its sources and this script.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newestChange } from './build.mjs';
import { isMain, reporting, SetupError } from './setup/say.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A memory that all threads share; 4 GiB is WebAssembly's limit, reserved but not used. */
const shared = [
  ...['--enable', 'threads', '--importMemory', '--sharedMemory'],
  ...['--initialMemory', '1', '--maximumMemory', '65536'],
];
const modules = [
  { folder: 'core/engine/simd', name: 'controller.wasm', options: shared },
  {
    folder: 'core/engine/simd',
    name: 'controller-relaxed.wasm',
    options: [...shared, '--enable', 'relaxed-simd'],
  },
  { folder: 'core/kernels', name: 'kernels.wasm', options: shared },
];

const always = [
  ...['--runtime', 'stub', '--enable', 'simd', '--enable', 'bulk-memory'],
  ...['--noAssert', '--optimizeLevel', '3', '--shrinkLevel', '0'],
];

export async function buildSimd() {
  for (const each of modules) await buildModule(each);
}

async function buildModule({ folder, name, options }) {
  const sources = join('src', folder, 'assembly');
  const output = join('dist', folder, name);
  const built = statSync(join(root, output), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built > Math.max(newestChange(join(root, sources)), newestChange(fileURLToPath(import.meta.url))))
    return;
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(dirname(join(root, output)), { recursive: true });
  const files = [join(sources, 'index.ts'), '--outFile', output, '--baseDir', root];
  const { error, stderr } = await asc.main([...files, ...always, ...options]);
  if (error) throw new SetupError(`${sources} does not compile: ${error.message}\n${stderr}`);
}

if (isMain(import.meta.url)) await reporting(buildSimd);
