import { parseDocument } from 'yaml';
import { usageError } from '../errors.js';
import { suggest } from '../suggest.js';
import { type ListNode, type MapEntry, type MapNode, parseText, type SpecNode } from './document.js';
import { specSyntax, structures } from './grammar.js';
import { type Place, Problems } from './problems.js';

/** Fields of the whole spec that a path may begin with. */
const topFields = Object.keys(specSyntax.shape).filter(
  (name) => !['extends', 'set', 'pipeline', 'tests'].includes(name),
);

/** A stage in a tree that is not checked yet. */
interface Found {
  name: string;
  /** Phase and branches that it stands in. */
  within: readonly string[];
  list: ListNode;
  index: number;
}

/**
 * Sets one field of a merged tree, in place. The path begins with a field of the spec (`seed`) or a stage (`batch.rows`); where several
 * stages have that name, with the phase or branch (`embed.record.event`) or the number of the stage (`record#2.event`). Null takes the
 * field, the stage or the phase away.
 * @param place where the path stands, for messages
 */
export function overrideAt(
  root: SpecNode,
  path: string,
  value: SpecNode,
  place: Place,
  problems: Problems,
): void {
  const [first = '', ...rest] = path.split('.');
  if (root.kind !== 'map') return;
  if (topFields.includes(first)) {
    setIn(root, [first, ...rest], value, place, problems, path);
    return;
  }
  const pipeline = root.entries.get('pipeline')?.node;
  const stages = pipeline ? [...stagesIn(pipeline, [])] : [];
  const found = descend(stages, first, rest, pipeline);
  if ('error' in found) {
    problems.add(place, found.error, found.hint);
    return;
  }
  if ('holder' in found) {
    // A phase or branch as a whole.
    if (isNull(value)) found.holder.entries.delete(found.name);
    else found.holder.entries.set(found.name, { key: place, node: value });
    return;
  }
  const { stage, fields } = found;
  const { list, index, name } = stage;
  if (fields.length === 0 && isNull(value)) {
    list.items.splice(index, 1);
    return;
  }
  const old = list.items[index]!;
  const params: SpecNode | undefined = old.kind === 'map' ? old.entries.get(name)?.node : undefined;
  const map: MapNode =
    params?.kind === 'map' ? params : { kind: 'map', entries: new Map(), place: old.place };
  const key = old.kind === 'map' ? old.entries.get(name)!.key : old.place;
  let next: SpecNode = map;
  if (fields.length === 0) next = value;
  else setIn(map, fields, value, place, problems, path);
  list.items[index] = { kind: 'map', entries: new Map([[name, { key, node: next }]]), place: old.place };
}

type Descent =
  | { stage: Found; fields: string[] }
  | { holder: MapNode; name: string }
  | { error: string; hint: string };

function descend(
  all: readonly Found[],
  first: string,
  rest: readonly string[],
  pipeline: SpecNode | undefined,
): Descent {
  let stages = all;
  let segments = [first, ...rest];
  // Phases and branches narrow down where the stage is looked for.
  while (segments.length > 1 && stages.some(({ within }) => within.includes(segments[0]!))) {
    const inside = stages.filter(({ within }) => within.includes(segments[0]!));
    if (!named(inside, segments[1]!).length && !inside.some(({ within }) => within.includes(segments[1]!)))
      break;
    stages = inside;
    segments = segments.slice(1);
  }
  const [segment = '', ...fields] = segments;
  const matches = named(stages, segment);
  if (matches.length === 1) return { stage: matches[0]!, fields };
  if (matches.length > 1) {
    const places = matches.map(({ within }, i) =>
      within.length > 0 ? `${within.at(-1)}.${segment}` : `${segment}#${i + 1}`,
    );
    return {
      error: `${[first, ...rest].join('.')}: there are ${matches.length} stages '${segment}'`,
      hint: `say which: ${places.join(', ')}, or by number, ${segment}#1`,
    };
  }
  if (fields.length === 0) {
    const holder = holderOf(pipeline, segment);
    if (holder) return { holder, name: segment };
  }
  const known = [
    ...new Set([...topFields, ...stages.map(({ name }) => name), ...stages.flatMap(({ within }) => within)]),
  ];
  const near = suggest(segment, known);
  return {
    error: `${[first, ...rest].join('.')}: there is no stage or field '${segment}'`,
    hint: near ? `did you mean '${near}'? Known: ${known.join(', ')}` : `known: ${known.join(', ')}`,
  };
}

/** The stages of that name, or the one of that name and number (`record#2`). */
function named(stages: readonly Found[], segment: string): readonly Found[] {
  const [, name = segment, number] = /^(.+)#(\d+)$/.exec(segment) ?? [];
  const matches = stages.filter((stage) => stage.name === name);
  return number === undefined ? matches : matches.slice(Number(number) - 1, Number(number));
}

function* stagesIn(node: SpecNode, within: readonly string[]): Generator<Found> {
  if (node.kind === 'map') {
    for (const [name, { node: list }] of node.entries) yield* stagesIn(list, [...within, name]);
    return;
  }
  if (node.kind !== 'list') return;
  for (const [index, item] of node.items.entries()) {
    const [name, params] =
      item.kind === 'map'
        ? ([...item.entries].map(([key, entry]) => [key, entry.node] as const)[0] ?? [])
        : item.kind === 'scalar'
          ? [String(item.value)]
          : [];
    if (name === undefined) continue;
    yield { name, within, list: node, index };
    if (params?.kind !== 'map' || !Object.hasOwn(structures, name)) continue;
    const inner = name === 'rounds' ? params.entries.get('each')?.node : params;
    if (inner) yield* stagesIn(inner, within);
  }
}

/** The map that holds a phase or branch of that name. */
function holderOf(node: SpecNode | undefined, name: string): MapNode | undefined {
  if (node?.kind === 'map' && node.entries.has(name)) return node;
  const inner: SpecNode[] =
    node?.kind === 'map'
      ? [...node.entries.values()].map((entry) => entry.node)
      : ((node as ListNode)?.items ?? []);
  for (const each of inner) {
    const found = holderOf(each, name);
    if (found) return found;
  }
  return undefined;
}

/** Sets the field at `path` below a map, in place; null takes it away. */
export function setIn(
  map: MapNode,
  path: readonly string[],
  value: SpecNode,
  place: Place,
  problems: Problems,
  whole: string,
): void {
  const [name = '', ...rest] = path;
  if (name === '') {
    problems.add(place, `'${whole}' is no path`, 'write stage.field, for example batch.rows');
    return;
  }
  if (rest.length === 0) {
    if (isNull(value)) map.entries.delete(name);
    else map.entries.set(name, { key: place, node: value });
    return;
  }
  const at = map.entries.get(name)?.node;
  // `loss: TripletMargin` is the same as `loss: { TripletMargin: {} }`.
  const isChoice = at?.kind === 'scalar' && at.value === rest[0];
  const next: MapNode =
    at?.kind === 'map'
      ? at
      : {
          kind: 'map',
          place,
          entries: new Map<string, MapEntry>(
            isChoice ? [[rest[0]!, { key: at.place, node: { kind: 'map', entries: new Map(), place } }]] : [],
          ),
        };
  if (next !== at) map.entries.set(name, { key: place, node: next });
  setIn(next, rest, value, place, problems, whole);
}

const isNull = (node: SpecNode) => node.kind === 'scalar' && node.value === null;

/** One `--set path=value` of the command line. */
export interface Override {
  path: string;
  value: SpecNode;
  place: Place;
}

/** Reads `path=value`; the value is YAML. Throws exit code 2. */
export function parseOverride(text: string): Override {
  const at = text.indexOf('=');
  const example = 'write --set path=value, for example --set batch.rows=256';
  if (at < 1) throw usageError(`--set ${text} has no ${at < 0 ? "'='" : 'path'}`, example);
  const place: Place = { file: `--set ${text}`, line: 0, column: 0 };
  const source = text.slice(at + 1);
  const problems = new Problems();
  const value: SpecNode | undefined =
    parseDocument(source).contents === null
      ? { kind: 'scalar', value: null, place }
      : parseText(source, place.file, problems);
  if (!value) throw usageError(`--set ${text}: ${problems.list()[0]?.message ?? 'no value'}`, example);
  return { path: text.slice(0, at).trim(), value: relocated(value, place), place };
}

function relocated(node: SpecNode, place: Place): SpecNode {
  if (node.kind === 'scalar') return { ...node, place };
  if (node.kind === 'list')
    return { ...node, place, items: node.items.map((item) => relocated(item, place)) };
  const entries = [...node.entries].map(
    ([name, { node }]) => [name, { key: place, node: relocated(node, place) }] as const,
  );
  return { ...node, place, entries: new Map(entries) };
}
