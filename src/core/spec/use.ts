import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuildFailure, OnResolveArgs, Plugin, PluginBuild } from 'esbuild';
import { failure, type RxnasError, usageError } from '../errors.js';
import type { Component } from './component.js';
import { componentsOf } from './componentsOf.js';
import { faultOf } from './faultOf.js';
import type { Registry } from './registry.js';

/** The packages that a module of components shares with the running rxnas, whatever is installed beside it. */
const shared = ['rxnas', 'rxjs', 'zod', 'apache-arrow'];

const isFile = (reference: string) => /^\.{0,2}\//.test(reference) || isAbsolute(reference);

/**
 * A registry with the components of modules of the user's own: files (`./my-operator.ts`, TypeScript or JavaScript) relative to `folder`, or
 * packages that are installed there. Their code runs here and now, with all rights of the process.
 *
 * Throws exit code 2, naming the module and what to do, where it cannot be found, does not compile, throws, exports no component,
 * describes one wrongly, or gives one a name that is taken.
 */
export async function useComponents(
  registry: Registry,
  references: readonly string[],
  folder: string,
): Promise<Registry> {
  let all = registry;
  for (const reference of references) {
    const components = await loadComponents(reference, folder);
    for (const component of components) {
      const taken = isTaken(all, component);
      if (taken) {
        throw usageError(
          `use '${reference}': there is a ${taken.kind} '${component.name}' already`,
          `give the ${component.kind} another name`,
        );
      }
      all = all.with([component]);
    }
  }
  return all;
}

function isTaken(registry: Registry, { kind, name }: Component): Component | undefined {
  const isStage = kind === 'source' || kind === 'operator' || kind === 'sink';
  return registry.get(isStage ? 'stage' : kind, name);
}

/** Whether it can be the name of an installed package, or of a module of one. */
const isPackage = (reference: string) => /^(@[\w.~-]+\/)?[\w~-][\w.~-]*(\/[\w.~-]+)*$/.test(reference);

async function loadComponents(reference: string, folder: string): Promise<Component[]> {
  // Not data: and other addresses, whose code would come with the spec itself.
  if (!isFile(reference) && !isPackage(reference)) {
    throw usageError(
      `use '${reference}': it is neither a file nor a package`,
      'give a file as ./FILE, or the name of an installed package',
    );
  }
  const module = await loadModule(reference, folder);
  const components = componentsOf(module);
  if (components.length === 0) {
    const names = Object.keys(module).join(', ');
    throw usageError(
      `use '${reference}': it exports no component${names ? `, only ${names}` : ''}`,
      'export what defineOperator, defineLoss, defineSpace, … return',
    );
  }
  for (const component of components) {
    const fault = faultOf(component);
    if (fault) {
      const name = typeof component.name === 'string' ? ` '${component.name}'` : '';
      throw usageError(`use '${reference}': the ${component.kind}${name} ${fault.what}`, fault.toDo);
    }
  }
  return components;
}

/** The exports of a module, compiled with what it imports of its own; all else is imported from where it is. */
async function loadModule(reference: string, folder: string): Promise<Record<string, unknown>> {
  const entry = resolve(folder, reference);
  if (isFile(reference) && !existsSync(entry)) {
    throw usageError(
      `use '${reference}': there is no file ${entry}`,
      'paths are relative to the spec’s folder',
    );
  }
  const { build } = await import('esbuild').catch((error: unknown) => {
    throw failure(
      `use '${reference}': the compiler for it does not load: ${(error as Error).message}`,
      'install rxnas anew for this platform (npm install)',
      { cause: error },
    );
  });
  const imported = new Map<string, string>();
  const temporary = mkdtempSync(join(tmpdir(), 'rxnas-use-'));
  const outfile = join(temporary, 'components.mjs');
  try {
    const base = pathToFileURL(isFile(reference) ? entry : join(folder, 'package.json')).href;
    const result = await build({
      stdin: {
        contents: `export * as components from ${JSON.stringify(reference)}`,
        resolveDir: resolve(folder),
      },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      conditions: [],
      target: 'node20',
      logLevel: 'silent',
      sourcemap: 'inline',
      keepNames: true,
      outfile,
      define: { 'import.meta.url': JSON.stringify(base) },
      banner: {
        js: `import { createRequire as $require } from 'node:module'; const require = $require(${JSON.stringify(base)});`,
      },
      plugins: [outside(reference, imported)],
    }).catch((error: BuildFailure) => {
      throw doesNotCompile(reference, folder, error);
    });
    writeFileSync(outfile, result.outputFiles[0]!.text);
    process.setSourceMapsEnabled(true); // lines of the user's own files, here and when a component throws later
    try {
      return ((await import(pathToFileURL(outfile).href)) as { components: Record<string, unknown> })
        .components;
    } catch (error) {
      throw threw(reference, folder, error, imported);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * Keeps packages out of the bundle: they are imported from where they are, those that are {@link shared} from where rxnas itself finds them.
 * `imported` is told the name behind each address.
 */
const outside = (reference: string, imported: Map<string, string>): Plugin => ({
  name: 'outside',
  setup(build: PluginBuild) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }: OnResolveArgs) => {
      if (pluginData === outside || path === reference || isAbsolute(path)) return undefined;
      if (path.startsWith('node:') || builtinModules.includes(path)) return { path, external: true };
      const isShared = shared.some((name) => path === name || path.startsWith(`${name}/`));
      const from = isShared ? dirname(fileURLToPath(import.meta.url)) : resolveDir;
      const found = await build.resolve(path, { kind, resolveDir: from, pluginData: outside });
      if (found.errors.length > 0) return found;
      const { href } = pathToFileURL(found.path);
      imported.set(href, path);
      return { path: href, external: true };
    });
  },
});

function doesNotCompile(
  reference: string,
  folder: string,
  { errors = [], message }: BuildFailure,
): RxnasError {
  const [first] = errors;
  const { location } = first ?? {};
  const at =
    location && location.file !== '<stdin>'
      ? ` (${place(folder, location.file, location.line, location.column + 1)})`
      : '';
  const text = first?.text ?? message;
  const missing = /^Could not resolve "(.*)"/.exec(text)?.[1];
  if (missing === reference) {
    return usageError(
      `use '${reference}': there is no such package in ${resolve(folder)}`,
      `install it there, or name a file: ./${reference}`,
    );
  }
  return missing !== undefined
    ? usageError(
        `use '${reference}': it imports '${missing}', which is not there${at}`,
        'install it, or correct the import',
      )
    : usageError(`use '${reference}': it does not compile: ${text}${at}`, 'correct the file');
}

function threw(
  reference: string,
  folder: string,
  error: unknown,
  imported: ReadonlyMap<string, string>,
): RxnasError {
  const { message = String(error), stack = '' } = error instanceof Error ? error : {};
  const missing = /^The requested module '(.*)' does not provide an export named '(.*)'/.exec(message);
  if (missing) {
    const [, url, name] = missing as unknown as [string, string, string];
    return usageError(
      `use '${reference}': it imports '${name}' from '${imported.get(url) ?? url}', which has no such export`,
      'correct the import; a type is imported with `import type`',
      { cause: error },
    );
  }
  const [, file = '', line, column] = /\(?((?:file:\/\/)?\/[^\s():]+):(\d+):(\d+)\)?/.exec(stack) ?? [];
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  const isKnown = path !== '' && !path.includes('rxnas-use-');
  const at = isKnown ? ` (${place(folder, path, Number(line), Number(column))})` : '';
  return usageError(
    `use '${reference}': it threw while it was loaded: ${message.split('\n')[0]}${at}`,
    'correct the file',
    { cause: error },
  );
}

/** A place in a file as the user sees it: relative to the spec's folder. */
const place = (folder: string, file: string, line: number, column: number) =>
  `${relative(resolve(folder), resolve(file))}:${line}:${column}`;
