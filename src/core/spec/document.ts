import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type YAMLError,
} from 'yaml';
import type { Place, Problems } from './problems.js';

/** What a field of a spec may hold. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly place: Place;
}
export interface ListNode {
  readonly kind: 'list';
  readonly items: SpecNode[];
  readonly place: Place;
}
export interface MapNode {
  readonly kind: 'map';
  readonly entries: Map<string, MapEntry>;
  readonly place: Place;
}
export interface MapEntry {
  /** Where the key stands. */
  readonly key: Place;
  readonly node: SpecNode;
}

/** A value of a spec that knows where it stands, whatever file it came from. */
export type SpecNode = ScalarNode | ListNode | MapNode;

/** Aliases may multiply a small file into a huge one. */
const mostNodes = 100_000;

export interface ParseOptions {
  /** Lines above the text in its file (a block in Markdown). */
  line?: number;
  /** Columns left of it. */
  column?: number;
}

/**
 * The tree of a YAML or JSON text; undefined where it cannot be read, which `problems` then tells, each with its line.
 * @param file name of the file, as messages show it
 */
export function parseText(
  text: string,
  file: string,
  problems: Problems,
  { line: above = 0, column: left = 0 }: ParseOptions = {},
): SpecNode | undefined {
  const lines = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: line + above, column: col + left };
  };
  const document = parsed(text, lines);
  if (!document) {
    problems.add({ file, line: above + 1, column: left + 1 }, 'nested too deeply', 'write fewer levels');
    return undefined;
  }
  for (const error of document.errors) problems.add(placeOf(error.pos[0]), ...explain(error));
  if (document.errors.length > 0) return undefined;
  if (document.contents === null) {
    problems.add({ file, line: above + 1, column: left + 1 }, 'nothing in it', 'a spec has a `pipeline`');
    return undefined;
  }
  const before = problems.size;
  const tree = treeOf(document, placeOf, problems);
  return problems.size > before ? undefined : tree;
}

/** The parser and {@link treeOf} call themselves for each level: of many thousands undefined is given. */
function parsed(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    if (opensTooMuch(text)) return undefined;
    const document = parseDocument(text, { lineCounter, prettyErrors: false });
    return depthOf(document.contents) > deepest ? undefined : document;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const deepest = 100;

/** Seen before a parser has made a gigabyte of a million brackets. Brackets in texts and comments count, too; nobody leaves so many open. */
function opensTooMuch(text: string): boolean {
  let open = 0;
  for (const character of text) {
    if (character === '[' || character === '{') open++;
    else if (character === ']' || character === '}') open = Math.max(0, open - 1);
    if (open > 10 * deepest) return true;
  }
  return text.includes('- '.repeat(10 * deepest)) || text.includes('? '.repeat(10 * deepest));
}

function depthOf(root: unknown): number {
  let depth = 0;
  for (let level = [root]; level.length > 0 && depth <= deepest; depth++) {
    level = level.flatMap((node) => {
      if (isSeq(node)) return node.items;
      return isMap(node) ? node.items.flatMap(({ key, value }) => [key, value]) : [];
    });
  }
  return depth;
}

function explain({ code, message }: YAMLError): [string, string] {
  const hints: Partial<Record<YAMLError['code'], string>> = {
    DUPLICATE_KEY: 'give each field once',
    TAB_AS_INDENT: 'indent with spaces',
    MULTIPLE_DOCS: 'one spec a file, without `---` in between',
    BAD_INDENT: 'give the entries of one block the same indentation',
  };
  return [
    `not YAML: ${message}`,
    hints[code] ?? 'close quotes, brackets and braces; `key: value` with a space',
  ];
}

function treeOf(
  document: Document.Parsed,
  placeOf: (offset: number) => Place,
  problems: Problems,
): SpecNode | undefined {
  let count = 0;
  const open = new Set<unknown>();
  const build = (node: ParsedNode | null, fallback: Place): SpecNode | undefined => {
    const place = node ? placeOf(node.range[0]) : fallback;
    if (++count > mostNodes) {
      if (count === mostNodes + 1) problems.add(place, `more than ${mostNodes} values`, 'use fewer aliases');
      return undefined;
    }
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (open.has(target)) {
        problems.add(place, `*${node.source} contains itself`, 'write the value out');
        return undefined;
      }
      return build((target ?? null) as ParsedNode | null, place);
    }
    open.add(node);
    try {
      if (isMap(node)) return mapOf(node as never, place);
      if (isSeq(node)) {
        const items = node.items.map((item) => build(item as ParsedNode | null, place));
        return { kind: 'list', items: items.filter((item) => item !== undefined), place };
      }
      const value = isScalar(node) ? node.value : null;
      if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) {
        return { kind: 'scalar', value: value as ScalarNode['value'], place };
      }
      problems.add(place, `${String(value)} is no value of a spec`, 'give a text, a number, true or false');
      return undefined;
    } finally {
      open.delete(node);
    }
  };
  const mapOf = (node: { items: { key: ParsedNode; value: ParsedNode | null }[] }, place: Place): MapNode => {
    const entries = new Map<string, MapEntry>();
    for (const { key, value } of node.items) {
      const at = placeOf(key.range[0]);
      if (!isScalar(key) || typeof key.value === 'object') {
        problems.add(at, 'a key has to be a name', 'write `name: value`');
        continue;
      }
      const built = build(value, at);
      if (built) entries.set(String(key.value), { key: at, node: built });
    }
    return { kind: 'map', entries, place };
  };
  return build(document.contents as ParsedNode, placeOf(0));
}

/** The tree of a plain value, all of it at one place. */
export function nodeOf(value: unknown, place: Place): SpecNode {
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => nodeOf(item, place)), place };
  if (typeof value === 'object' && value !== null) {
    const given = Object.entries(value).filter(([, item]) => item !== undefined);
    const entries = given.map(([key, item]): [string, MapEntry] => [
      key,
      { key: place, node: nodeOf(item, place) },
    ]);
    return { kind: 'map', entries: new Map(entries), place };
  }
  return { kind: 'scalar', value: (value ?? null) as ScalarNode['value'], place };
}

/** The plain value of a tree. */
export function plainOf(node: SpecNode): Plain {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plainOf);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainOf(entry.node)]));
}

/** Where the value at `path` below `node` stands, or the nearest thing above it that is there. */
export function placeAt(node: SpecNode, path: readonly PropertyKey[]): Place {
  let place = node.place;
  let at: SpecNode | undefined = node;
  for (const key of path) {
    if (at?.kind === 'list') at = at.items[Number(key)];
    else if (at?.kind === 'map') at = at.entries.get(String(key))?.node;
    else at = undefined;
    if (!at) break;
    place = at.place;
  }
  return place;
}
