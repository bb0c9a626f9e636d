import { suggest } from '../suggest.js';
import type { MapEntry, MapNode, SpecNode } from './document.js';
import { setIn } from './override.js';
import type { Place, Problems } from './problems.js';

/** Whether a merged tree is that of a sweep. */
export const isSweepTree = (root: SpecNode): root is MapNode =>
  root.kind === 'map' && root.entries.has('sweep');

/** Fields of a sweep that hold specs, or maps with such fields. */
const parts = ['pretrain', 'search'] as const;

/**
 * Sets one field of a sweep's merged tree, in place: `sweep.seeds`, `pretrain.batch.rows` and `search.rounds.most` (a path in that spec),
 * `variants.Random.search.benchmarkLookup.budget`, or a field as a whole. Null takes it away.
 * @param place where the path stands, for messages
 */
export function overrideSweepAt(
  root: MapNode,
  path: string,
  value: SpecNode,
  place: Place,
  problems: Problems,
): void {
  const [first = '', ...rest] = path.split('.');
  const isPart = (name: string | undefined) => (parts as readonly string[]).includes(name ?? '');
  if (isPart(first)) setInSpec(root, first, rest, value, place, problems);
  else if (first === 'variants' && rest.length > 2 && isPart(rest[1])) {
    const [name, part, ...inside] = rest as [string, string, ...string[]];
    setInSpec(mapIn(mapIn(root, 'variants', place), name, place), part, inside, value, place, problems);
  } else if (['name', 'description', 'sweep', 'variants', 'published'].includes(first)) {
    setIn(root, [first, ...rest], value, place, problems, path);
  } else {
    const known = ['sweep', ...parts, 'variants', 'published'];
    const near = suggest(first, known);
    problems.add(
      place,
      `${path}: a sweep has no field '${first}'`,
      `${near ? `did you mean '${near}'? ` : ''}Paths begin with ${known.join(', ')}: sweep.seeds, search.rounds.most`,
    );
  }
}

/** Adds an override to what the spec under `name` sets; without a path the spec itself is set. */
function setInSpec(
  holder: MapNode,
  name: string,
  path: readonly string[],
  value: SpecNode,
  place: Place,
  problems: Problems,
): void {
  if (path.length === 0) {
    setIn(holder, [name], value, place, problems, name);
    return;
  }
  const set = mapIn(mapIn(holder, name, place), 'set', place);
  // The last one given counts, also where it was given before.
  set.entries.delete(path.join('.'));
  set.entries.set(path.join('.'), { key: place, node: value });
}

/** The map under `name`, made where there is none. */
function mapIn(holder: MapNode, name: string, place: Place): MapNode {
  const found = holder.entries.get(name)?.node;
  if (found?.kind === 'map') return found;
  const made: MapNode = { kind: 'map', entries: new Map(), place };
  holder.entries.set(name, { key: place, node: made });
  return made;
}

/** `above` on `below`, trees of two sweeps: maps field by field, what a spec sets one after the other, everything else as a whole. */
export const mergeSweeps = (below: MapNode, above: MapNode): MapNode =>
  merge(below, above, {
    sweep: (was, is) => merge(was, is, {}),
    variants: (was, is) =>
      merge(was, is, Object.fromEntries([...was.entries.keys()].map((name) => [name, onVariant]))),
    ...onSpecs,
  });

type Merge = (below: MapNode, above: MapNode) => MapNode;

function merge(below: MapNode, above: MapNode, fields: Readonly<Record<string, Merge>>): MapNode {
  const entries = new Map(below.entries);
  for (const [name, entry] of above.entries) {
    const was = entries.get(name)?.node;
    const isNull = entry.node.kind === 'scalar' && entry.node.value === null;
    // A variant without a pretraining says so by null.
    if (isNull && name !== 'pretrain') entries.delete(name);
    else if (was?.kind === 'map' && entry.node.kind === 'map' && fields[name]) {
      entries.set(name, { ...entry, node: fields[name](was, entry.node) });
    } else entries.set(name, entry);
  }
  return { ...above, entries };
}

/** A spec that stands on another one: on top of it, or in its place where it has an `extends` or a `pipeline` of its own. */
export function standingOn(below: MapNode, above: MapNode): MapNode {
  if (above.entries.has('extends') || above.entries.has('pipeline')) return above;
  const entries = new Map<string, MapEntry>(below.entries);
  for (const [name, entry] of above.entries) entries.set(name, entry);
  const sets = [below, above].map((each) => each.entries.get('set')?.node);
  if (sets.every((set) => set?.kind === 'map')) {
    const [lower, upper] = sets as [MapNode, MapNode];
    const all = new Map(lower.entries);
    for (const [path, entry] of upper.entries) {
      all.delete(path);
      all.set(path, entry);
    }
    entries.set('set', { key: upper.place, node: { ...upper, entries: all } });
  }
  return { ...above, entries };
}

const onSpecs = { pretrain: standingOn, search: standingOn };
const onVariant: Merge = (below, above) => merge(below, above, onSpecs);

/** All specs in a sweep's tree, for what has to be done to each. */
export function* specsIn(root: MapNode): Generator<MapNode> {
  for (const part of parts) {
    const node = root.entries.get(part)?.node;
    if (node?.kind === 'map') yield node;
  }
  const variants = root.entries.get('variants')?.node;
  if (variants?.kind !== 'map') return;
  for (const { node } of variants.entries.values()) if (node.kind === 'map') yield* specsIn(node);
}

/** A tree that shares nothing with this one: overrides change trees in place. */
export function copyOf<N extends SpecNode>(node: N): N;
export function copyOf(node: SpecNode): SpecNode {
  if (node.kind === 'scalar') return node;
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => copyOf(item)) };
  const entries = Array.from(
    node.entries,
    ([name, entry]) => [name, { ...entry, node: copyOf(entry.node) }] as const,
  );
  return { ...node, entries: new Map(entries) };
}
