import { usageError } from '../core/errors.js';
import { given } from '../core/given.js';
import { lossSpec } from '../core/losses/index.js';
import type { Needing } from '../core/spec/component.js';
import { nodeOf, plainOf, type SpecNode } from '../core/spec/document.js';
import { loadFile, presetFile } from '../core/spec/load.js';
import type { Override } from '../core/spec/override.js';
import { Problems } from '../core/spec/problems.js';
import { unknownName } from '../core/suggest.js';
import { builtIns } from '../pipelines/builtIns.js';
import { type ReadSpec, readSpec, readSpecFile } from '../pipelines/fromSpec/index.js';
import { comparedVariant, readSweepFile, type Sweep } from '../pipelines/fromSpec/sweep.js';

/** Settings of a job by name: what the flags of `rxnas pretrain` and `rxnas search` say. */
export type Settings = Readonly<Record<string, unknown>>;

/** Under `preset`, the specs that settings are put on. */
export const presetNames = ['default', 'reference'] as const;
export type PresetName = (typeof presetNames)[number];

/** Where in the preset each setting of a pretraining goes. */
const pretrainPaths = {
  space: 'space',
  seed: 'seed',
  weight: 'lossStep.weight',
  reconstructionWeight: 'lossStep.reconstructionWeight',
  learningRate: 'lossStep.learningRate',
  milestones: 'lossStep.milestones',
  clipNorm: 'lossStep.clipNorm',
  batch: 'batch.rows',
  samplesPerClass: 'mutate.samplesPerClass',
  epochs: 'anchors.epochs',
  steps: 'anchors.steps',
  sameOrder: 'anchors.sameOrder',
  apart: 'anchors.apart',
  checkpointEvery: 'checkpoint.every',
  embed: 'embedCells.sample',
} as const;

/** The same of a search; what is not here goes to the searcher, where it has such a parameter. */
const searchPaths = {
  benchmark: 'benchmark',
  controller: 'controller',
  executor: 'executor',
  seed: 'seed',
  queries: 'benchmarkLookup.budget',
  seconds: 'benchmarkLookup.seconds',
  protocol: 'rounds.protocol',
  rounds: 'rounds.most',
  patience: 'rounds.patience',
  identity: 'rounds.identity',
  targetFloor: 'rounds.targetFloor',
} as const;

/**
 * A pretraining with these settings: the preset `pretrain` with each of them set. Throws exit code 2 for an unknown setting or a wrong value.
 * @param set fields set on top
 */
export function pretrainSpec(settings: Settings, set: readonly Override[] = []): Promise<ReadSpec> {
  const { preset, loss, lossParams, miner, minerParams, onCollapse, engine, threads, ...rest } = settings;
  const overrides = atPaths('pretrain', pretrainPaths, rest, [
    ...['preset', 'loss', 'lossParams', 'miner', 'minerParams', 'onCollapse', 'engine', 'threads'],
  ]);
  if (loss !== undefined || lossParams !== undefined) {
    overrides.push(override('loss', 'lossStep.loss', chosen(loss ?? 'MultiSimilarity', lossParams)));
  }
  if (miner !== undefined) {
    overrides.push(override('miner', 'mine.miner', chosen(miner, minerParams)));
  } else if (minerParams !== undefined && Object.keys(minerParams as object).length > 0) {
    const { name, params } = lossSpec(String(loss ?? 'MultiSimilarity')).experiment.miner;
    overrides.push(override('miner', 'mine.miner', chosen(name, { ...params, ...(minerParams as object) })));
  }
  if (onCollapse === 'ignore') overrides.push(override('onCollapse', 'watchCollapse', null));
  else if (onCollapse !== undefined) {
    overrides.push(override('onCollapse', 'watchCollapse.onCollapse', onCollapse));
  }
  return readSpecFile(presetFor('pretrain', preset), {
    set: [...overrides, ...engineOverride(engine, threads), ...set],
  });
}

/** A search with these settings: the preset `search` with each of them set; otherwise as {@link pretrainSpec}. */
export function searchSpec(settings: Settings, set: readonly Override[] = []): Promise<ReadSpec> {
  const { preset, searcher = 'nao', searcherParams, engine, threads, ...rest } = settings;
  const file = presetFor('search', preset);
  const spec = builtIns.find('searcher', String(searcher)) as Needing;
  // What another searcher takes is passed over: the flags are the same for all.
  const flags = new Set(builtIns.list('searcher').flatMap(({ params }) => Object.keys(params.shape)));
  const isFlag = ([name]: [string, unknown]) => flags.has(name);
  const common = Object.entries(rest).filter((each) => !isFlag(each));
  const overrides = atPaths('search', searchPaths, Object.fromEntries(common), [
    ...['preset', 'searcher', 'searcherParams', 'engine', 'threads'],
    ...flags,
  ]);
  const params = {
    ...Object.fromEntries(
      [...presetParams(file), ...Object.entries(rest).filter(isFlag)].filter(
        ([name, value]) => value !== undefined && Object.hasOwn(spec.params.shape, name),
      ),
    ),
    ...(searcherParams as object | undefined),
  };
  overrides.push(override('searcher', 'rounds.searcher', chosen(searcher, params)));
  // Without a controller there are no embeddings.
  if (!spec.needs.includes('controller')) overrides.push(override('searcher', 'embed', null));
  return readSpecFile(file, { set: [...overrides, ...engineOverride(engine, threads), ...set] });
}

/** Settings of {@link embedSpec}. */
export interface EmbedSettings {
  /** Run or checkpoint; absent: a controller with the weights that training begins with. */
  controller?: string | undefined;
  space: string;
  seed?: number | undefined;
  /** So many random cells, all of the space, or those that the benchmark knows; default: all. */
  cells?: number | 'all' | 'known' | undefined;
  /** Adds accuracies, where it knows them. */
  benchmark?: string | undefined;
  /** Adds places in the plane: parameters of the stage `withUmap`. */
  umap?: Readonly<Record<string, unknown>> | undefined;
  engine?: string | undefined;
  threads?: number | undefined;
}

/** Embeddings of a space's cells: the preset `embed` with these settings, and stages that add more columns; otherwise as {@link pretrainSpec}. */
export function embedSpec(settings: EmbedSettings, set: readonly Override[] = []): Promise<ReadSpec> {
  const { controller, space, seed, cells, benchmark, umap, engine, threads } = settings;
  const added = [...(benchmark === undefined ? [] : ['withAccuracy']), ...(umap ? [{ withUmap: umap }] : [])];
  const { pipeline } = plainOf(loadFile(presetFile('embed'), new Problems())!.root) as {
    pipeline: unknown[];
  };
  const fields = { controller, space, seed, benchmark };
  const root = {
    extends: 'embed',
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    pipeline: [...pipeline.slice(0, -1), ...added, ...pipeline.slice(-1)],
  };
  const overrides = [
    ...(cells === undefined ? [] : [override('cells', 'embedCells.sample', cells)]),
    ...engineOverride(engine, threads),
  ];
  return readSpec(root, { set: [...overrides, ...set] });
}

/**
 * Searchers side by side, a variant each (`rxnas search --searchers`): settings as {@link searchSpec} takes them, with `searchers` in place of
 * `searcher`, parameters by searcher, and `seeds`. `NAME@scratch` is one that is not given the controller.
 */
export async function comparison(settings: Settings): Promise<Sweep> {
  const { searchers, seeds = 20, seed = 1, searcherParams = {}, controller, ...rest } = settings;
  const labels = searchers as string[];
  const twice = labels.find((label, i) => labels.indexOf(label) < i);
  if (twice !== undefined) throw usageError(`searcher '${twice}' is named twice`, 'name each once');
  const stray = Object.keys(searcherParams as object).find((label) => !labels.includes(label));
  if (stray !== undefined) throw unknownName('searcher of a parameter', stray, labels);
  if (!Number.isInteger(seeds) || (seeds as number) < 1 || (seeds as number) > 1000) {
    throw usageError(`seeds is ${seeds}`, 'give a whole number from 1 to 1000');
  }
  const variants = await Promise.all(
    labels.map(async (label) => {
      const searcher = label.replace(/@scratch$/, '');
      const own = {
        searcher,
        searcherParams: (searcherParams as Record<string, unknown>)[label],
        controller: label === searcher ? controller : undefined,
      };
      return comparedVariant(label, await searchSpec({ ...rest, ...own }));
    }),
  );
  return { name: 'comparison', seed: seed as number, seeds: seeds as number, searchSeeds: 1, variants };
}

/** Where in a sweep each of its settings goes. */
const sweepPaths = {
  losses: 'sweep.losses',
  seeds: 'sweep.seeds',
  searchSeeds: 'sweep.searchSeeds',
  seed: 'sweep.seed',
} as const;

/**
 * A sweep with these settings: the file or preset with each of them set, those of a search in all its searches, those of a pretraining in all
 * its pretrainings, those of an engine in both. Throws exit code 2 for an unknown setting or a wrong value.
 * @param set fields set on top
 */
export function sweepSpec(
  reference: string,
  settings: Settings,
  set: readonly Override[] = [],
): Promise<Sweep> {
  const { steps, engine, threads, benchmark, queries, rounds, protocol, ...rest } = settings;
  const engines = engineOverride(engine, undefined);
  return readSweepFile(reference, {
    ...given({ threads: threads as number | undefined }),
    set: [
      ...atPaths('sweep', sweepPaths, rest, ['benchmark', 'queries', 'rounds', 'protocol', 'steps']),
      ...set,
    ],
    setSearch: [...atPaths('search', searchPaths, { benchmark, queries, rounds, protocol }, []), ...engines],
    setPretrain: [...atPaths('pretrain', pretrainPaths, { steps }, []), ...engines],
  });
}

/** The parameters that a preset gives its searcher: also those of another one, where it has them. */
function presetParams(file: string): [string, unknown][] {
  const root = loadFile(file, new Problems())?.root;
  const searcher = root && findEntry(root, 'searcher');
  const [params] = searcher?.kind === 'map' ? [...searcher.entries.values()] : [];
  return Object.entries((params && (plainOf(params.node) as Record<string, unknown> | null)) ?? {});
}

function findEntry(node: SpecNode, name: string): SpecNode | undefined {
  if (node.kind === 'scalar') return undefined;
  if (node.kind === 'map' && node.entries.has(name)) return node.entries.get(name)!.node;
  const inner = node.kind === 'list' ? node.items : [...node.entries.values()].map((entry) => entry.node);
  for (const each of inner) {
    const found = findEntry(each, name);
    if (found) return found;
  }
  return undefined;
}

function presetFor(job: 'pretrain' | 'search', preset: unknown = 'default'): string {
  if (!presetNames.includes(preset as PresetName)) {
    throw unknownName('preset', String(preset), presetNames);
  }
  return presetFile(preset === 'default' ? job : `${job}-reference`);
}

const chosen = (name: unknown, params: unknown) => ({ [String(name)]: params ?? {} });

/** As messages name it: by its flag. */
const flag = (setting: string) => `--${setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function override(setting: string, path: string, value: unknown): Override {
  const place = { file: flag(setting), line: 0, column: 0 };
  return { path, value: nodeOf(value, place), place };
}

/** The override of the engine, its number of threads, or both. */
export function engineOverride(engine: unknown, threads: unknown): Override[] {
  if (engine === undefined && threads === undefined) return [];
  return [override('engine', 'engine', chosen(engine ?? 'auto', threads === undefined ? {} : { threads }))];
}

function atPaths(
  job: string,
  paths: Readonly<Record<string, string>>,
  settings: Settings,
  others: readonly string[],
): Override[] {
  const known = [...Object.keys(paths), ...others];
  return Object.entries(settings).flatMap(([name, value]) => {
    if (!Object.hasOwn(paths, name)) throw unknownName(`setting of ${job}`, name, known);
    return value === undefined ? [] : [override(name, paths[name]!, value)];
  });
}
