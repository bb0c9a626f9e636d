import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { prepareNative } from '../../scripts/setup/native.mjs';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** A package like tfjs-node: loads where its addon is there and says what it should. */
const main = `
  const text = require('node:fs').readFileSync(__dirname + '/lib/napi-v8/tfjs_binding.node', 'utf8');
  if (text !== 'addon') throw new Error('invalid ELF header');
  module.exports = {
    matMul: ([[a, b]], [[c], [d]]) => ({ dataSync: () => [a * c + b * d] }),
    getBackend: () => 'tensorflow',
    backend: () => ({ binding: { TF_Version: '2.9.9' } }),
  };`;
const log = "require('node:fs').appendFileSync(__dirname + '/../tries', '.');";
const unreachable = `${log} throw new Error('getaddrinfo ENOTFOUND download.invalid');`;
const download = `${log} const fs = require('node:fs');
  for (const d of ['deps/lib', 'lib/napi-v8']) fs.mkdirSync(d, { recursive: true });
  fs.writeFileSync('lib/napi-v8/tfjs_binding.node', 'addon');`;

interface Clone {
  root: string;
  packageDir: string;
  env: NodeJS.ProcessEnv;
  /** How often the package's install script ran. */
  tries(): number;
}

function clone(install: string, cache = temporaryFolder()): Clone {
  const root = temporaryFolder();
  const packageDir = join(root, 'node_modules', '@tensorflow', 'tfjs-node');
  mkdirSync(join(packageDir, 'scripts'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{}');
  const binary = { napi_versions: [7, 8] };
  writeFileSync(
    join(packageDir, 'package.json'),
    JSON.stringify({ version: '4.0.0', main: 'main.js', binary }),
  );
  writeFileSync(join(packageDir, 'main.js'), main);
  writeFileSync(join(packageDir, 'scripts', 'install.js'), install);
  mkdirSync(join(root, 'bin'));
  const tries = join(packageDir, 'tries');
  return {
    root,
    packageDir,
    env: { PATH: join(root, 'bin'), RXNAS_CACHE: cache },
    tries: () => (existsSync(tries) ? readFileSync(tries, 'utf8').length : 0),
  };
}

/** A program in the PATH of the clone. */
function program({ root }: Clone, name: string, body: string): void {
  const file = join(root, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
}

let said: string[];
beforeEach(() => {
  said = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
});

describe.skipIf(process.platform === 'win32')('the native library', () => {
  it("comes by the package's own install script, once", async () => {
    const one = clone(download);
    expect(await prepareNative(one.root, { env: one.env })).toMatchObject({
      native: true,
      tensorflow: '2.9.9',
    });
    said = [];
    expect(await prepareNative(one.root, { env: one.env })).toMatchObject({ native: true });
    expect(said).toEqual([]);
    expect(one.tries()).toBe(1);
  });

  it('comes from the cache in a second clone', async () => {
    const first = clone(download);
    await prepareNative(first.root, { env: first.env });
    const second = clone(unreachable, first.env.RXNAS_CACHE);
    expect(await prepareNative(second.root, { env: second.env })).toMatchObject({ native: true });
    expect(second.tries()).toBe(0);
  });

  it('is fetched again where the addon was lost', async () => {
    const one = clone(download);
    await prepareNative(one.root, { env: one.env });
    rmSync(join(one.packageDir, 'lib'), { recursive: true });
    rmSync(one.env.RXNAS_CACHE!, { recursive: true });
    expect(await prepareNative(one.root, { env: one.env })).toMatchObject({ native: true });
    expect(one.tries()).toBe(2);
  });

  it('is not taken where it does not load', async () => {
    const one = clone(download.replace("'addon')", "'addo')"));
    const { native, why } = await prepareNative(one.root, { env: one.env });
    expect(native).toBe(false);
    expect(why).toContainEqual("tfjs-node's own download: invalid ELF header");
  });
});

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('without a native library', () => {
  it('says in one paragraph what computes, why, and what to do; then neither tries nor explains again', async () => {
    const one = clone(unreachable);
    expect((await prepareNative(one.root, { env: one.env })).native).toBe(false);
    const paragraph = said.at(-1);
    expect(paragraph).toContain('WebAssembly (wasm) SIMD engine');
    expect(paragraph).toContain('getaddrinfo ENOTFOUND download.invalid');
    expect(paragraph).toContain('no python3 with pip and no C++ compiler in PATH');
    expect(paragraph).toContain('npm run setup -- --retry');
    said = [];
    expect((await prepareNative(one.root, { env: one.env })).native).toBe(false);
    expect(said).toHaveLength(1);
    expect(one.tries()).toBe(1);
  });

  it('remembers for other clones that the download host is out of reach, until told to retry', async () => {
    const first = clone(unreachable);
    await prepareNative(first.root, { env: first.env });
    const second = clone(unreachable, first.env.RXNAS_CACHE);
    await prepareNative(second.root, { env: second.env });
    expect(second.tries()).toBe(0);
    await prepareNative(second.root, { env: second.env, retry: true });
    expect(second.tries()).toBe(1);
  });

  it('looks again as soon as a tool that was missing is there', async () => {
    const one = clone(unreachable);
    program(one, 'c++', 'exit 1');
    await prepareNative(one.root, { env: one.env });
    program(
      one,
      'python3',
      'case "$*" in *--version*) exit 0;; *) echo "ERROR: no matching distribution" >&2; exit 1;; esac',
    );
    const { why } = await prepareNative(one.root, { env: one.env });
    expect(why).toContainEqual(
      'the library of the tensorflow-cpu wheel: pip download failed: no matching distribution',
    );
  });

  it('counts a python3 without pip as none', async () => {
    const one = clone(unreachable);
    program(one, 'c++', 'exit 1');
    program(one, 'python3', 'echo "No module named pip" >&2; exit 1');
    const { why } = await prepareNative(one.root, { env: one.env });
    expect(why?.at(-1)).toBe('the library of the tensorflow-cpu wheel: no python3 with pip in PATH');
  });

  it('goes on where the cache folder cannot be made', async () => {
    const one = clone(unreachable);
    const file = join(one.root, 'file');
    writeFileSync(file, '');
    const { native, why } = await prepareNative(one.root, {
      env: { ...one.env, RXNAS_CACHE: join(file, 'cache') },
    });
    expect(native).toBe(false);
    expect(why?.at(-1)).toContain('RXNAS_CACHE');
  });
});
