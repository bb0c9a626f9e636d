import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addEntry, cacheFolder, findEntry, linkTree } from './cache.mjs';
import { run } from './run.mjs';
import { inWords, say } from './say.mjs';
import { buildFromWheel } from './wheel.mjs';
import { which } from './which.mjs';

const loads = fileURLToPath(new URL('loads.cjs', import.meta.url));
/** Folders of the tfjs-node package that its install script makes: libraries and addon. */
const parts = ['deps', 'lib'];
const week = 7 * 24 * 3600_000;

/**
 * Get the native library of tfjs-node ready, by the first way that works:
 * what lies in the package already, the cache, the package's own install script, the TensorFlow wheel. What came of it is written
 * to `.rxnas.json` in the package (`rxnas doctor` reads it), so that a later run neither looks nor waits again.
 *
 * @param {string} root folder of rxnas
 * @param {object} [options]
 * @param {boolean} [options.retry] forget earlier failures
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<{native: boolean, tensorflow?: string, why?: string[]}>} `why`: one line for each way that failed
 */
export async function prepareNative(root, { retry = false, env = process.env } = {}) {
  const packageDir = findPackage(root);
  if (!packageDir)
    return explain({
      native: false,
      why: [
        'npm left the optional package @tensorflow/tfjs-node out; npm install --ignore-scripts @tensorflow/tfjs-node brings it',
      ],
    });
  const stateFile = join(packageDir, '.rxnas.json');
  const state = readJson(stateFile);
  const known = recall(state, packageDir, env);
  if (known?.native) return known;
  if (known && !retry) {
    say(
      'the WebAssembly (wasm) SIMD engine computes: no native library (`npm run setup -- --retry` looks for one again)',
    );
    return known;
  }
  const result = await firstThatWorks(packageDir, root, { retry, env });
  const abis = state?.native && result.native ? state.abis : [];
  writeJson(stateFile, {
    ...result,
    ...circumstances(packageDir, env),
    abis: [...abis, process.versions.modules],
  });
  return result.native ? result : explain(result);
}

/** What an earlier run found, if it still holds: the same addon on a Node it loaded on, or the same tools for the same Node. */
function recall(state, packageDir, env) {
  if (!state?.abis?.includes(process.versions.modules)) return undefined;
  const now = circumstances(packageDir, env);
  return state.native
    ? state.addon && state.addon === now.addon
      ? state
      : undefined
    : state.tools === now.tools
      ? state
      : undefined;
}

function circumstances(packageDir, env) {
  const { size, mtimeMs } = statSync(addonOf(packageDir), { throwIfNoEntry: false }) ?? {};
  const tools = [which(['python3', 'python'], env), which([env.CXX || 'c++', 'g++', 'clang++'], env)];
  return {
    addon: size === undefined ? null : `${size} ${mtimeMs}`,
    tools: tools.map((tool) => tool ?? '-').join(' '),
  };
}

async function firstThatWorks(packageDir, root, { retry, env }) {
  const why = [];
  const failed = (way, reason) => why.push(`${way}: ${reason}`);
  const { version } = readJson(join(packageDir, 'package.json'));
  const name = `tfjs-node-${version}-${process.platform}-${process.arch}`;
  const done = (tensorflow, from) => {
    say(`compute engine: TensorFlow ${tensorflow}, native (${from})`);
    return { native: true, tensorflow };
  };

  if (existsSync(addonOf(packageDir))) {
    const { ok, stdout, why: reason } = await load(packageDir, env);
    if (ok) return done(stdout, 'already there');
    failed('the library that is there', reason);
  }
  let cache;
  try {
    cache = cacheFolder(root, env);
  } catch (error) {
    failed('the cache folder', `${inWords(error, env.RXNAS_CACHE)}; RXNAS_CACHE names another`);
    return { native: false, why };
  }

  const cached = findEntry(cache, name);
  if (cached) {
    try {
      putInPlace(cached, packageDir);
      const { ok, stdout, why: reason } = await load(packageDir, env);
      if (ok) return done(stdout, `from ${cache}`);
      failed(`the library in ${cached}`, reason);
    } catch (error) {
      // Whatever stands in the way of a link or a copy also stands in the way of anything newly made.
      failed(`the library in ${cached}`, inWords(error, packageDir));
      return { native: false, why };
    }
  }

  const memory = join(cache, `${name}.download-failed.json`);
  const remembered = retry ? undefined : readJson(memory);
  if (remembered && Date.now() - remembered.at < week) {
    failed("tfjs-node's own download", remembered.why);
  } else {
    rmSync(memory, { force: true });
    say("trying tfjs-node's own download");
    let { ok, why: reason } = await ownInstallScript(packageDir, env);
    if (ok) {
      const loaded = await load(packageDir, env);
      if (loaded.ok) {
        await keep(cache, name, packageDir);
        return done(loaded.stdout, "tfjs-node's own download");
      }
      reason = loaded.why;
    }
    writeJson(memory, { at: Date.now(), why: reason });
    failed("tfjs-node's own download", reason);
  }

  try {
    const entry = await addEntry(cache, name, (folder) => buildFromWheel(packageDir, folder, env));
    putInPlace(entry, packageDir);
    const { ok, stdout, why: reason } = await load(packageDir, env);
    if (ok) return done(stdout, `kept in ${cache}`);
    rmSync(entry, { recursive: true });
    failed('the library of the tensorflow-cpu wheel', reason);
  } catch (error) {
    failed('the library of the tensorflow-cpu wheel', inWords(error, cache));
  }
  return { native: false, why };
}

/** tfjs-node's install script fetches library and addon; it has neither time limit nor error handling of its own. */
function ownInstallScript(packageDir, env) {
  const bins = [join(packageDir, 'node_modules', '.bin'), join(packageDir, '..', '..', '.bin')];
  const started = Date.now();
  return run(process.execPath, [join('scripts', 'install.js')], {
    cwd: packageDir,
    env: { ...env, PATH: [...bins, dirname(process.execPath), env.PATH].join(delimiter) },
    limit: 15 * 60_000,
    stalled: () => Date.now() - started > 20_000 && !existsSync(join(packageDir, 'deps', 'lib')),
  });
}

const load = async (packageDir, env) => {
  const result = await run(process.execPath, [loads, packageDir], {
    env: { ...env, TF_CPP_MIN_LOG_LEVEL: '2' },
    limit: 120_000,
  });
  return { ...result, stdout: result.stdout.trim() };
};

function putInPlace(entry, packageDir) {
  const clear = (folder) => rmSync(join(packageDir, folder), { recursive: true, force: true });
  try {
    for (const folder of parts) {
      clear(folder);
      linkTree(join(entry, folder), join(packageDir, folder));
    }
  } catch (error) {
    parts.forEach(clear);
    throw error;
  }
}

/** Keep a working library for other clones; where that fails (no space), this clone has it all the same. */
async function keep(cache, name, packageDir) {
  try {
    await addEntry(cache, name, (folder) => {
      for (const each of parts) linkTree(join(packageDir, each), join(folder, each));
    });
  } catch (error) {
    say(`not kept for other clones: ${inWords(error, cache)}`);
  }
}

function explain(result) {
  say(
    `the WebAssembly (wasm) SIMD engine computes, because TensorFlow's native library could not be made ready (${result.why.join('; ')}). ` +
      'Nothing is lost but the choice of engine. To get the native one, put that right (it takes python3 with pip, a C++ compiler and ' +
      '0.9 GB; Debian: apt-get install python3-pip g++), then run: npm run setup -- --retry',
  );
  return result;
}

const addonOf = (packageDir) => join(packageDir, 'lib', 'napi-v8', 'tfjs_binding.node');

/** Folder of the tfjs-node package as rxnas resolves it, also where rxnas is itself a dependency. */
function findPackage(root) {
  try {
    return dirname(createRequire(join(root, 'package.json')).resolve('@tensorflow/tfjs-node/package.json'));
  } catch {
    return undefined;
  }
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Notes save time, no more: where they cannot be written (full disk, read-only), the next run finds out anew. */
function writeJson(file, value) {
  try {
    writeFileSync(`${file}.tmp`, `${JSON.stringify(value, null, 1)}\n`);
    renameSync(`${file}.tmp`, file);
  } catch (error) {
    say(`not noted: ${inWords(error, dirname(file))}`);
  }
}
