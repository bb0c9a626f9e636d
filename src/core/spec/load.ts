import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suggest } from '../suggest.js';
import { type MapEntry, type MapNode, nodeOf, parseText, plainOf, type SpecNode } from './document.js';
import { overrideAt } from './override.js';
import { nowhere, type Place, type Problems } from './problems.js';
import { isSweepTree, mergeSweeps, overrideSweepAt, specsIn } from './sweepTree.js';

const presetFolder = fileURLToPath(new URL('../../../presets/', import.meta.url));

/** The specs that come with rxnas, by name. */
export const presetNames = (): string[] =>
  readdirSync(presetFolder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();

/** The file of a preset. */
export const presetFile = (name: string): string => resolve(presetFolder, `${name}.yaml`);

/** A spec with all that it extends merged in, still unchecked. */
export interface LoadedSpec {
  root: SpecNode;
  /** Name of its file, without folder and ending. */
  name: string;
  /** Folder that its relative paths are meant from. */
  folder: string;
}

/** More than anybody writes. */
const mostBytes = 2 ** 20;

/** A device or a pipe would never end. */
function readSmall(path: string): string {
  const stats = statSync(path);
  if (stats.isDirectory()) throw new Error('it is a folder');
  if (!stats.isFile()) throw new Error('it is no regular file');
  if (stats.size > mostBytes) throw new Error(`it has more than ${mostBytes} bytes`);
  return readFileSync(path, 'utf8');
}

/** Whether a text is the name of a preset rather than that of a file. */
const isName = (text: string) => /^[\w-]+$/.test(text);

/** The file of a spec that is named on the command line: a file, or a preset. */
export function specFile(reference: string): string {
  return !existsSync(reference) && isName(reference) && existsSync(presetFile(reference))
    ? presetFile(reference)
    : reference;
}

/** Reads a spec and what it extends. Undefined where one of the files cannot be read or parsed; `problems` says why. */
export function loadFile(file: string, problems: Problems): LoadedSpec | undefined {
  const root = mergedFile(shown(file), nowhere, [], problems);
  return root && { root, name: nameOfFile(file), folder: dirname(resolve(file)) };
}

/**
 * A spec that is a text already, or a tree of one, with what it extends.
 * @param file name that messages show; its folder is where relative paths are meant from
 */
export function loadText(
  source: string | SpecNode,
  file: string,
  problems: Problems,
): LoadedSpec | undefined {
  const node = typeof source === 'string' ? parseText(source, file, problems) : source;
  const root = node && merged(node, file, [resolve(file)], problems);
  return root && { root, name: nameOfFile(file), folder: dirname(resolve(file)) };
}

/** The tree of a plain spec, as `JSON.parse` or a program gives it. */
export const loadPlain = (spec: object, problems: Problems, name = 'spec'): LoadedSpec | undefined =>
  loadText(nodeOf(spec, { file: name, line: 0, column: 0 }), name, problems);

/** As it is shown to the user: relative to where they are, unless that leads far away. */
function shown(file: string): string {
  const path = relative(process.cwd(), resolve(file));
  return path.startsWith('..') ? resolve(file) : path;
}

function nameOfFile(file: string): string {
  const name = basename(file, extname(file)).replaceAll(/[^\w-]+/g, '-');
  return /^[A-Za-z]/.test(name) ? name : `spec-${name}`;
}

function mergedFile(
  file: string,
  from: Place,
  chain: readonly string[],
  problems: Problems,
): SpecNode | undefined {
  const path = resolve(file);
  if (chain.includes(path)) {
    const circle = [...chain.slice(chain.indexOf(path)), path].map(shown);
    problems.add(from, `extends goes in a circle: ${circle.join(' → ')}`, 'take one of them away');
    return undefined;
  }
  let text: string;
  try {
    text = readSmall(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : (code ?? message);
    const near = isName(file) ? suggest(file, presetNames()) : undefined;
    problems.add(
      from,
      `cannot read ${file}: ${reason}`,
      `${near ? `did you mean '${near}'? ` : ''}Give the file of a spec, or a preset: ${presetNames().join(', ')}`,
    );
    return undefined;
  }
  const node = parseText(text, file, problems);
  return node && merged(node, file, [...chain, path], problems);
}

function merged(
  node: SpecNode,
  file: string,
  chain: readonly string[],
  problems: Problems,
): SpecNode | undefined {
  if (node.kind !== 'map') return node;
  resolveUsed(node, dirname(resolve(file)));
  for (const spec of specsIn(node)) {
    resolveUsed(spec, dirname(resolve(file)));
    resolveExtended(spec, dirname(resolve(file)));
  }
  const base = node.entries.get('extends')?.node;
  let root: SpecNode = withoutNulls(node);
  if (base) {
    const name = plainOf(base);
    if (typeof name !== 'string' || name === '') {
      problems.add(base.place, `extends is ${JSON.stringify(name)}`, 'give one preset or one file');
      return undefined;
    }
    let target = resolve(dirname(file), name);
    if (isName(name) && !existsSync(target)) {
      target = presetFile(name);
      if (!existsSync(target)) {
        const near = suggest(name, presetNames());
        problems.add(
          base.place,
          `there is no preset '${name}'`,
          `${near ? `did you mean '${near}'? ` : ''}Presets: ${presetNames().join(', ')}; a file ends in .yaml`,
        );
        return undefined;
      }
    }
    const below = mergedFile(shown(target), base.place, chain, problems);
    if (!below) return undefined;
    const onto = isSweepTree(below) || isSweepTree(node) ? mergeSweeps : merge;
    root = below.kind === 'map' ? onto(below, node) : node;
  }
  const set = node.entries.get('set')?.node;
  if (!set) return root;
  if (set.kind !== 'map') {
    problems.add(set.place, 'set is no map', 'write `set: { batch.rows: 256 }`');
    return undefined;
  }
  for (const [path, { key, node: value }] of set.entries) overrideIn(root, path, value, key, problems);
  return root;
}

/** Sets one field of the merged tree of a spec or a sweep, in place. */
export const overrideIn: typeof overrideAt = (root, ...override) =>
  isSweepTree(root) ? overrideSweepAt(root, ...override) : overrideAt(root, ...override);

/** Makes the file that a spec inside a sweep extends independent of where the sweep is read from. */
function resolveExtended({ entries }: MapNode, folder: string): void {
  const entry = entries.get('extends');
  if (entry?.node.kind !== 'scalar' || typeof entry.node.value !== 'string' || isName(entry.node.value))
    return;
  entries.set('extends', { ...entry, node: { ...entry.node, value: resolve(folder, entry.node.value) } });
}

/** Makes the files that a spec uses independent of where it is read from. */
function resolveUsed(node: MapNode, folder: string): void {
  const used = node.entries.get('use')?.node;
  if (used?.kind !== 'list') return;
  for (const [i, item] of used.items.entries()) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string' || !/^\.{1,2}\//.test(item.value)) continue;
    used.items[i] = { ...item, value: resolve(folder, item.value) };
  }
}

/** `above` on `below`: maps merged field by field, null takes a field away, everything else replaces. */
function merge(below: MapNode, above: MapNode): MapNode {
  const entries = new Map(below.entries);
  for (const [name, entry] of above.entries) {
    const was = entries.get(name)?.node;
    if (entry.node.kind === 'scalar' && entry.node.value === null) entries.delete(name);
    else if (was?.kind === 'map' && entry.node.kind === 'map' && mergeable.has(name)) {
      entries.set(name, { ...entry, node: merge(was, entry.node) });
    } else entries.set(name, entry);
  }
  return { ...above, entries };
}

/** Fields of fields; the others are values, of which the one above counts. */
const mergeable = new Set(['pipeline']);

function withoutNulls(node: MapNode): MapNode {
  const given = [...node.entries].filter(([, { node }]) => !(node.kind === 'scalar' && node.value === null));
  return given.length === node.entries.size ? node : { ...node, entries: new Map<string, MapEntry>(given) };
}
