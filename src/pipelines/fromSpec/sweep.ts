import { join } from 'node:path';
import type { JsonValue } from '../../core/run/index.js';
import { type MapNode, nodeOf, type SpecNode } from '../../core/spec/document.js';
import { checkFields } from '../../core/spec/fields.js';
import { type LoadedSpec, loadText, overrideIn } from '../../core/spec/load.js';
import type { Override } from '../../core/spec/override.js';
import type { Place, Problems } from '../../core/spec/problems.js';
import { resolvedSpec } from '../../core/spec/resolved.js';
import { type Chosen, nameOf, needsOf, type Spec, type StageList } from '../../core/spec/spec.js';
import {
  type Published,
  sweepSyntax,
  type Variation,
  variationSyntax,
} from '../../core/spec/sweepGrammar.js';
import { copyOf, isSweepTree, standingOn } from '../../core/spec/sweepTree.js';
import { suggest } from '../../core/suggest.js';
import { builtIns } from '../builtIns.js';
import { checkLoaded, fileOrThrow, type ReadOptions, type ReadSpec, sourceOrThrow } from './read.js';
import { spaceOf } from './resources.js';

/** What a sweep compares: searches, each with the controller of a pretraining of its own kind or without one. */
export interface Variant {
  readonly name: string;
  /** Absent where its searches begin with a fresh controller, or with that of the search's spec. */
  readonly pretrain?: ReadSpec;
  readonly search: ReadSpec;
}

/** A sweep that was checked and completed: everything that its rows depend on. The seeds of its specs are those of the sweep. */
export interface Sweep {
  readonly name: string;
  /** Seed of the first pretraining, and of the first search, of each variant. */
  readonly seed: number;
  /** Pretrainings of each variant; of one without a pretraining, groups of searches. */
  readonly seeds: number;
  /** Searches on each pretraining. */
  readonly searchSeeds: number;
  /** Variant that the others are tested against; absent: NoMetric, or else the best baseline. */
  readonly against?: string;
  readonly published?: Published;
  /** Where the units are carried out (`Executors`); the rows do not depend on it. */
  readonly executor?: string;
  readonly variants: readonly Variant[];
}

export interface ReadSweepOptions extends ReadOptions {
  /** Fields set in the spec of every search, and of every pretraining, whichever variant it is of. */
  setSearch?: readonly Override[];
  setPretrain?: readonly Override[];
  /** Threads of every unit, whatever its spec says, from 1. */
  threads?: number;
}

/** Reads a sweep from a file, or a preset by its name. Throws exit code 2 with the first thing that is wrong, and where it stands. */
export const readSweepFile = (reference: string, options: ReadSweepOptions = {}): Promise<Sweep> =>
  fileOrThrow(reference, checkSweep, options);

/** Reads a sweep from YAML, JSON or a plain object; otherwise as {@link readSweepFile}. */
export const readSweep = (source: string | object, options: ReadSweepOptions = {}): Promise<Sweep> =>
  sourceOrThrow(source, 'sweep', checkSweep, options);

/** Checks what was loaded; undefined where `problems` has found something. */
export async function checkSweep(
  loaded: LoadedSpec | undefined,
  problems: Problems,
  options: ReadSweepOptions = {},
): Promise<Sweep | undefined> {
  if (!loaded) return undefined;
  const { environment = process.env, registry = builtIns, set = [] } = options;
  const { root } = loaded;
  for (const { path, value, place } of set) overrideIn(root, path, value, place, problems);
  if (!isSweepTree(root)) {
    problems.add(
      root.place,
      'this is no sweep',
      'a sweep has the field `sweep`; one spec is run with `rxnas run`',
    );
    return undefined;
  }
  const checking = { environment, registry, problems };
  const own = new Map([...root.entries].filter(([name]) => name !== 'extends' && name !== 'set'));
  const fields = checkFields({ ...root, entries: own }, sweepSyntax, 'spec', root.place, checking);
  const { node, key: place } = root.entries.get('sweep')!;
  if (node.kind !== 'map') return undefined; // said by checkFields
  const variation = checkFields(node, variationSyntax, 'sweep', place, checking) as Variation;
  if (problems.size > 0) return undefined;

  const variants: Variant[] = [];
  const searches = new Map<MapNode, Promise<ReadSpec | undefined>>();
  for (const draft of draftsOf(root, node, variation, problems)) {
    const variant = await checkVariant(draft, loaded, problems, options, searches);
    if (variant) variants.push(variant);
  }
  if (variants.length === 0 && problems.size === 0) {
    problems.add(place, 'the sweep is empty: it has no variants', 'give sweep.losses, variants, or both');
  }
  const names = variants.map(({ name }) => name);
  const { seed, seeds, searchSeeds, against } = variation;
  if (against !== undefined && problems.size === 0 && !names.includes(against)) {
    const near = suggest(against, names);
    problems.add(
      node.entries.get('against')?.node.place ?? place,
      `sweep.against: there is no variant '${against}'`,
      near ? `did you mean '${near}'? Known: ${names.join(', ')}` : `known: ${names.join(', ')}`,
    );
  }
  if (problems.size > 0) return undefined;
  return {
    ...{ name: (fields.name as string | undefined) ?? loaded.name, seed, seeds, searchSeeds, variants },
    ...(against !== undefined && { against }),
    ...(fields.executor !== undefined && { executor: fields.executor as string }),
    ...(fields.published !== undefined && { published: fields.published as Published }),
  };
}

/** A variant that is not checked yet. */
interface Draft {
  name: string;
  place: Place;
  /** The loss that its pretraining is given. */
  loss?: SpecNode;
  pretrain?: MapNode;
  search?: MapNode;
}

/** The losses in their order, and the variants that are named. */
function* draftsOf(
  root: MapNode,
  variation: MapNode,
  { losses = [] }: Variation,
  problems: Problems,
): Generator<Draft> {
  const common = (part: 'pretrain' | 'search') => mapOf(root.entries.get(part)?.node);
  const [pretrain, search] = [common('pretrain'), common('search')];
  const seen = new Set<string>();
  const isNew = (name: string, place: Place) => {
    if (seen.has(name)) problems.add(place, `the variant '${name}' is there twice`, 'name each once');
    seen.add(name);
    return true;
  };
  const items = variation.entries.get('losses')?.node;
  for (const [i, name] of losses.entries()) {
    const node = (items as { items: SpecNode[] }).items[i]!;
    if (isNew(name, node.place)) yield { name, place: node.place, loss: node, ...part({ pretrain, search }) };
  }
  for (const [name, { key, node }] of mapOf(root.entries.get('variants')?.node)?.entries ?? []) {
    const variant = mapOf(node);
    const onTop = (which: 'pretrain' | 'search', below: MapNode | undefined) => {
      const entry = variant?.entries.get(which);
      if (!entry) return below;
      if (entry.node.kind !== 'map') return undefined; // null: none
      return below ? standingOn(below, entry.node) : entry.node;
    };
    isNew(name, key);
    yield {
      name,
      place: key,
      ...part({ pretrain: onTop('pretrain', pretrain), search: onTop('search', search) }),
    };
  }
}

const mapOf = (node: SpecNode | undefined): MapNode | undefined => (node?.kind === 'map' ? node : undefined);
const part = ({ pretrain, search }: { pretrain: MapNode | undefined; search: MapNode | undefined }) => ({
  ...(pretrain && { pretrain }),
  ...(search && { search }),
});

async function checkVariant(
  { name, place, loss, pretrain, search }: Draft,
  { folder, name: owner }: LoadedSpec,
  problems: Problems,
  options: ReadSweepOptions,
  searches: Map<MapNode, Promise<ReadSpec | undefined>>,
): Promise<Variant | undefined> {
  const read = async (which: 'pretrain' | 'search', node: MapNode, set: readonly Override[]) => {
    const loaded = loadText(copyOf(node), join(folder, `${owner}#${which}`), problems);
    const { registry, environment } = options;
    const found = await checkLoaded(loaded, problems, {
      set,
      ...(registry && { registry }),
      ...(environment && { environment }),
    });
    return found && withThreads(found, options.threads);
  };
  if (!search) {
    problems.add(place, `${name} has no search`, 'give the sweep a `search`: { extends: search }');
    return undefined;
  }
  if (loss && !pretrain) {
    problems.add(
      place,
      `${name} is a loss, but there is no pretraining`,
      'give the sweep a `pretrain`: { extends: pretrain }',
    );
    return undefined;
  }
  // Losses have one search in common.
  if (!searches.has(search)) searches.set(search, read('search', search, options.setSearch ?? []));
  const found = await searches.get(search);
  if (!found) return undefined;
  const searching = searchPart(found);
  const wrong = (what: string, hint: string) => {
    problems.add(place, `${name}: ${what}`, hint);
    return undefined;
  };
  if (!searching) return wrong('its search has no `rounds`', 'let it extend `search`, or give it a loop');
  if (!pretrain) return { name, search: { ...found, spec: searching } };

  if (!needsOf(searching.phases, found.registry).has('controller')) {
    return wrong('its search needs no controller', 'give the variant `pretrain: null`');
  }
  if (searching.controller !== undefined) {
    return wrong(
      'its search has a controller, but it is pretrained',
      'take search.controller away, or give the variant `pretrain: null`',
    );
  }
  const space = searching.space ?? spaceOf(searching, found.registry)!.name;
  const trained = await read('pretrain', pretrain, [
    { path: 'space', value: nodeOf(space, place), place },
    ...(loss ? [{ path: 'lossStep.loss', value: loss, place: loss.place }] : []),
    ...(options.setPretrain ?? []),
  ]);
  if (!trained) return undefined;
  if (!trained.spec.engine) return wrong('its pretraining trains no controller', 'let it extend `pretrain`');
  return { name, pretrain: trained, search: { ...found, spec: searching } };
}

/**
 * A spec up to its last search: what comes behind is not looked at, nor an engine that only this would have needed. Undefined where it has
 * none.
 */
function searchPart({ spec, registry }: ReadSpec): Spec | undefined {
  const last = spec.phases.findLastIndex(({ stages: [first] }: StageList) => first?.kind === 'rounds');
  if (last < 0) return undefined;
  const phases = spec.phases.slice(0, last + 1);
  if (needsOf(phases, registry).has('controller')) return { ...spec, phases };
  const { engine: _, controller: __, ...rest } = spec;
  return { ...rest, phases };
}

/** A variant that is searched with what its spec says, without a pretraining. */
export const comparedVariant = (name: string, search: ReadSpec): Variant => ({
  name,
  search: withThreads({ ...search, spec: searchPart(search)! }),
});

/** Units of a sweep run side by side: unless told otherwise, here or in the spec, each on one thread. */
function withThreads(read: ReadSpec, threads?: number): ReadSpec {
  const { engine } = read.spec;
  if (!engine) return read;
  const name = nameOf(engine);
  const chosen: Chosen = { [name]: { threads: 1, ...engine[name], ...(threads && { threads }) } };
  return { ...read, spec: { ...read.spec, engine: chosen } };
}

/** A sweep as plain data, with every parameter of every stage. */
export type ResolvedSweep = {
  name: string;
  sweep: { seed: number; seeds: number; searchSeeds: number; against?: string };
  variants: Record<string, { pretrain: Record<string, JsonValue> | null; search: Record<string, JsonValue> }>;
  published?: Published;
};

/** A sweep as plain data. It is a sweep itself, and resolves to itself. */
export function resolvedSweep(sweep: Sweep): ResolvedSweep & Record<string, JsonValue> {
  const { name, seed, seeds, searchSeeds, against, published, executor, variants } = sweep;
  const partOf = ({ spec }: ReadSpec) => {
    const { seed: _, ...rest } = resolvedSpec(spec);
    return rest;
  };
  return JSON.parse(
    JSON.stringify({
      name,
      sweep: { seed, seeds, searchSeeds, against },
      executor,
      variants: Object.fromEntries(
        variants.map((variant) => [
          variant.name,
          {
            pretrain: variant.pretrain ? partOf(variant.pretrain) : null,
            search: partOf(variant.search),
          },
        ]),
      ),
      published,
    }),
  );
}
