import type { JsonValue } from '../run/index.js';

/** One setting that is not the same everywhere. */
export interface SettingDifference {
  name: string;
  /** By run; undefined where it is not given. */
  values: (JsonValue | undefined)[];
}

/**
 * The settings in which resolved specs (or plain settings) differ, each named by its path, as `--set` takes it (`batch.rows`,
 * `embed.record.event`).
 */
export function differences(settings: readonly Record<string, JsonValue>[]): SettingDifference[] {
  const flat = settings.map((each) => new Map(leaves(each)));
  const names = [...new Set(flat.flatMap((each) => [...each.keys()]))];
  return names
    .map((name) => ({ name, values: flat.map((each) => each.get(name)) }))
    .filter(({ values: [first, ...others] }) => {
      const text = JSON.stringify(first);
      return others.some((other) => JSON.stringify(other) !== text);
    });
}

type JsonObject = { [key: string]: JsonValue };
const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every setting with its path. */
export function* leaves({ pipeline, ...fields }: JsonObject): Generator<[string, JsonValue]> {
  yield* leavesOf(fields, '');
  if (pipeline === undefined) return;
  const stages = [...stagesIn(pipeline, [])];
  const seen = new Map<string, number>();
  for (const { name, within, params } of stages) {
    const same = stages.filter((stage) => stage.name === name);
    const sameHere = same.filter((stage) => stage.within.join() === within.join());
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    const path =
      same.length === 1 ? name : sameHere.length === 1 ? `${within.at(-1)}.${name}` : `${name}#${number}`;
    yield [path, true];
    yield* leavesOf(params, `${path}.`);
  }
}

/** What a run is known by. */
export interface Headline {
  /** Of a run that trains. */
  loss?: string;
  /** Of a run that searches: the first searcher, and the benchmark. */
  searcher?: string;
  benchmark?: string;
}

/** What stands in lists for a resolved spec, or for the settings of a run of rxnas 0.1. */
export function headlineOf(spec: JsonValue): Headline {
  if (!isObject(spec)) return {};
  if (isObject(spec.variants)) return headlineOfSweep(spec.variants);
  const found: Headline = {};
  for (const [path, value] of leaves(spec)) {
    const name = /(?:^|lossStep\.)(loss)$|(?:^|rounds(?:#\d+)?\.)(searcher)$|^(benchmark)$/.exec(path);
    const key = name?.slice(1).find(Boolean) as keyof Headline | undefined;
    if (key && typeof value === 'string') found[key] ??= value;
  }
  return found;
}

/** Of a sweep: its losses, the searchers of what is not pretrained, the benchmark. */
function headlineOfSweep(variants: JsonObject): Headline {
  const specs = Object.values(variants).filter(isObject);
  const heads = specs.map(({ pretrain = null, search = null }) => ({
    loss: headlineOf(pretrain).loss,
    ...(pretrain === null && { searcher: headlineOf(search).searcher }),
    benchmark: headlineOf(search).benchmark,
  }));
  const all = (key: keyof Headline) => {
    const names = [
      ...new Set(heads.map((head) => (head as Headline)[key]).filter((name) => name !== undefined)),
    ];
    return names.length > 0 ? { [key]: names.join(', ') } : {};
  };
  return { ...all('loss'), ...all('searcher'), ...all('benchmark') };
}

interface FlatStage {
  name: string;
  within: readonly string[];
  params: JsonObject;
}

function* stagesIn(node: JsonValue, within: readonly string[]): Generator<FlatStage> {
  if (isObject(node)) {
    for (const [name, list] of Object.entries(node)) yield* stagesIn(list, [...within, name]);
    return;
  }
  if (!Array.isArray(node)) return;
  for (const stage of node) {
    const [name, params] = isObject(stage) ? Object.entries(stage)[0]! : [String(stage), {}];
    const own = isObject(params) ? params : {};
    if (name === 'tee' || name === 'merge') {
      yield { name, within, params: {} };
      yield* stagesIn(own, within);
      continue;
    }
    const { each, ...rest } = own;
    yield { name, within, params: each === undefined ? own : rest };
    if (each !== undefined) yield* stagesIn(each, within);
  }
}

function* leavesOf(value: JsonObject, path: string): Generator<[string, JsonValue]> {
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    if (!isObject(item)) {
      yield [`${path}${key}`, item];
      continue;
    }
    if (item.pipeline !== undefined) {
      // A spec inside a sweep.
      for (const [inside, leaf] of leaves(item)) yield [`${path}${key}.${inside}`, leaf];
      continue;
    }
    // A component with its parameters: its name is a value.
    const [[name, params] = ['', null], ...more] = Object.entries(item);
    if (more.length === 0 && isObject(params)) yield [`${path}${key}`, name];
    yield* leavesOf(item, `${path}${key}.`);
  }
}
