/**
 * Build dist/ from src/: TypeScript, the WebAssembly kernels, the report's page, and every other file as it is. Does nothing where dist/ is newer than
 * all it is made of. `--clean` starts from an empty dist/.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './setup/run.mjs';
import { isMain, reporting, SetupError, say } from './setup/say.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const inputs = [
  'src',
  'scripts/build.mjs',
  'scripts/build-simd.mjs',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];

export async function build({ clean = false } = {}) {
  if (clean) rmSync(dist, { recursive: true, force: true });
  const built = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // Read before the build: what is edited meanwhile is built by the next one.
  const newest = Math.max(...inputs.map((path) => newestChange(join(root, path))));
  if (built > newest) return;
  say('building dist/');
  const started = new Date();
  await step(join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json');
  if (existsSync(join(root, 'scripts', 'build-simd.mjs'))) await step(join('scripts', 'build-simd.mjs'));
  // Loaded here: a set-up that is to install it imports this module as well.
  const { build: bundle } = await import('esbuild');
  await bundle({
    entryPoints: [join(root, 'src', 'report', 'page', 'main.ts')],
    outfile: join(dist, 'report', 'page', 'page.js'),
    ...{ bundle: true, minify: true, format: 'iife', target: 'es2022', charset: 'utf8' },
  });
  copyAssets(join(root, 'src'), dist);
  writeFileSync(stamp, '');
  utimesSync(stamp, started, started);
}

async function step(...args) {
  const { ok } = await run(process.execPath, args, { cwd: root, show: true });
  if (!ok) throw new SetupError(`the build failed: see above (node ${args.join(' ')})`);
}

/** Time of the latest change under `path`; a folder's own time tells of files that were removed. */
export function newestChange(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status?.isDirectory()) return status?.mtimeMs ?? 0;
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestChange(join(path, name))),
    status.mtimeMs,
  );
}

/** Presets, pages and the like lie beside the modules that read them. */
function copyAssets(from, to) {
  for (const each of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, each.name), join(to, each.name)];
    if (each.isDirectory()) {
      if (each.name !== 'assembly') copyAssets(source, target);
    } else if (!each.name.endsWith('.ts') && each.name !== 'tsconfig.json') {
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(source, target);
    }
  }
}

if (isMain(import.meta.url)) {
  await reporting(() => build({ clean: process.argv.includes('--clean') }));
}
