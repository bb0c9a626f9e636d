import { RxnasError } from '../../core/errors.js';
import { checkSpec } from '../../core/spec/check.js';
import type { SpecNode } from '../../core/spec/document.js';
import type { Environment } from '../../core/spec/environment.js';
import {
  type LoadedSpec,
  loadFile,
  loadPlain,
  loadText,
  overrideIn,
  specFile,
} from '../../core/spec/load.js';
import type { Override } from '../../core/spec/override.js';
import { Problems } from '../../core/spec/problems.js';
import type { Registry } from '../../core/spec/registry.js';
import type { Spec } from '../../core/spec/spec.js';
import { useComponents } from '../../core/spec/use.js';
import { builtIns } from '../builtIns.js';

export interface ReadOptions {
  /** Fields set on top of the file, in order. */
  set?: readonly Override[];
  /** Default: that of the process. */
  environment?: Environment;
  /** Components that specs may name; default: those of rxnas. */
  registry?: Registry;
}

/** A spec that can be run, and the components that it may name. */
export interface ReadSpec {
  spec: Spec;
  registry: Registry;
}

/** Reads a spec from a file, or a preset by its name. Throws exit code 2 with the first thing that is wrong, and where it stands. */
export const readSpecFile = (reference: string, options: ReadOptions = {}): Promise<ReadSpec> =>
  fileOrThrow(reference, checkLoaded, options);

/** Reads a spec from YAML, JSON or a plain object; otherwise as {@link readSpecFile}. */
export const readSpec = (source: string | object, options: ReadOptions = {}): Promise<ReadSpec> =>
  sourceOrThrow(source, 'spec', checkLoaded, options);

/** What checks that which was loaded, and completes it; undefined where `problems` has found something. */
type Check<T, O> = (loaded: LoadedSpec | undefined, problems: Problems, options: O) => Promise<T | undefined>;

/** What `check` makes of a file or preset. Throws exit code 2 with the first thing that is wrong. */
export const fileOrThrow = <T, O>(reference: string, check: Check<T, O>, options: O): Promise<T> =>
  orThrow((problems) => loadFile(specFile(reference), problems), check, options);

/** The same of YAML, JSON or a plain object. @param name in messages, and of a spec that has none */
export const sourceOrThrow = <T, O>(
  source: string | object,
  name: string,
  check: Check<T, O>,
  options: O,
): Promise<T> =>
  orThrow(
    (problems) =>
      typeof source === 'string' ? loadText(source, name, problems) : loadPlain(source, problems, name),
    check,
    options,
  );

async function orThrow<T, O>(
  load: (problems: Problems) => LoadedSpec | undefined,
  check: Check<T, O>,
  options: O,
): Promise<T> {
  const problems = new Problems();
  const read = await check(load(problems), problems, options);
  problems.throwFirst();
  return read!;
}

/** Checks what was loaded; undefined where `problems` has found something. */
export async function checkLoaded(
  loaded: LoadedSpec | undefined,
  problems: Problems,
  { set = [], environment = process.env, registry = builtIns }: ReadOptions = {},
): Promise<ReadSpec | undefined> {
  if (!loaded) return undefined;
  const { root, name, folder } = loaded;
  for (const { path, value, place } of set) overrideIn(root, path, value, place, problems);
  const all = await withUsed(root, folder, registry, problems);
  const spec = checkSpec(root, name, { registry: all, environment, problems });
  return spec && problems.size === 0 ? { spec, registry: all } : undefined;
}

/** The registry with the components of the modules that a spec uses. */
async function withUsed(
  root: SpecNode,
  folder: string,
  registry: Registry,
  problems: Problems,
): Promise<Registry> {
  const used = root.kind === 'map' ? root.entries.get('use')?.node : undefined;
  if (used?.kind !== 'list') return registry;
  let all = registry;
  for (const { place, ...item } of used.items) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') continue; // checkSpec says so
    try {
      all = await useComponents(all, [item.value], folder);
    } catch (error) {
      if (!(error instanceof RxnasError)) throw error;
      problems.add(place, error.message, error.hint);
    }
  }
  return all;
}
