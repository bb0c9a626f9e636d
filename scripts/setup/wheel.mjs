import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';
import { say } from './say.mjs';
import { which } from './which.mjs';

const requirement = fileURLToPath(new URL('tensorflow.txt', import.meta.url));
const unpack = fileURLToPath(new URL('unpack.py', import.meta.url));
/** Largest need while it works: the wheel (0.2 GB) beside what is taken out of it (0.6 GB). */
const bytesNeeded = 0.9e9;

/**
 * Native library and addon of tfjs-node without its download host: the libraries and headers that the tensorflow-cpu wheel holds, and
 * tfjs-node's own C++ sources compiled against them. The addon speaks N-API only, so one compiler call with N-API's headers is all that
 * node-gyp would do, and it needs no headers of the Node that happens to run.
 *
 * @param {string} packageDir folder of the tfjs-node package
 * @param {string} folder empty folder that receives deps/lib and lib/napi-v8, as they lie in the package
 * @throws {Error} one line: why it cannot be had this way
 */
export async function buildFromWheel(packageDir, folder, env = process.env) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `the TensorFlow wheel is used on linux-x64 only, this is ${process.platform}-${process.arch}`,
    );
  }
  // Both are looked for before 0.2 GB are fetched.
  const compiler = which(env.CXX ? [env.CXX] : ['c++', 'g++', 'clang++'], env);
  const python = await pythonWithPip(env);
  if (!python || !compiler)
    throw new Error(
      [!python && 'no python3 with pip', !compiler && 'no C++ compiler'].filter(Boolean).join(' and ') +
        ' in PATH',
    );
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < bytesNeeded)
    throw new Error(`no space left on the disk of ${dirname(folder)}: ${bytesNeeded / 1e9} GB are needed`);

  const fetched = join(folder, 'wheel');
  say('fetching TensorFlow 2.15.1 (207 MB, once for all clones)');
  await must(
    'pip download',
    python,
    [
      ...[
        '-m',
        'pip',
        'download',
        '--quiet',
        '--disable-pip-version-check',
        '--timeout=20',
        '--retries=1',
        '--no-deps',
        '--require-hashes',
      ],
      ...[
        '--only-binary=:all:',
        '--python-version=3.11',
        '--platform=manylinux2014_x86_64',
        `--dest=${fetched}`,
        `--requirement=${requirement}`,
      ],
    ],
    { env, limit: 20 * 60_000 },
  );
  const deps = join(folder, 'deps');
  await must('unpacking the wheel', python, [unpack, join(fetched, readdirSync(fetched)[0]), deps], { env });
  rmSync(fetched, { recursive: true });
  const libraries = join(deps, 'lib');
  symlinkSync('libtensorflow_cc.so.2', join(libraries, 'libtensorflow.so'));
  symlinkSync('libtensorflow_framework.so.2', join(libraries, 'libtensorflow_framework.so'));

  say("compiling tfjs-node's addon");
  const { napi_versions } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')).binary;
  const napi = Math.max(...napi_versions);
  const addon = join(folder, 'lib', `napi-v${napi}`);
  mkdirSync(addon, { recursive: true });
  const { include_dir } = createRequire(import.meta.url)('node-api-headers');
  const sources = join(packageDir, 'binding');
  await must(
    'compiling the addon',
    compiler,
    [
      ...['-shared', '-fPIC', '-O2', '-std=c++17', `-DNAPI_VERSION=${napi}`],
      ...[packageDir, join(deps, 'include'), include_dir].map((path) => `-I${path}`),
      ...readdirSync(sources)
        .filter((file) => file.endsWith('.cc'))
        .map((file) => join(sources, file)),
      ...[`-L${libraries}`, '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib'],
      ...['-o', join(addon, 'tfjs_binding.node')],
    ],
    { env, limit: 10 * 60_000 },
  );
  rmSync(join(deps, 'include'), { recursive: true });
}

async function pythonWithPip(env) {
  for (const name of ['python3', 'python']) {
    const python = which([name], env);
    if (python && (await run(python, ['-m', 'pip', '--version'], { env, limit: 30_000 })).ok) return python;
  }
  return undefined;
}

async function must(what, command, args, options) {
  const { ok, why } = await run(command, args, options);
  if (!ok) throw new Error(`${what} failed: ${why}`);
}
