import { z } from 'zod';
import { engineNames } from '../core/engine/index.js';
import { usageError } from '../core/errors.js';
import { findNamed, parseParams } from '../core/params.js';
import { protocols } from '../core/search/pool.js';
import { suggest, unknownName } from '../core/suggest.js';
import { searchers } from '../pipelines/searchers/index.js';

const engine = z
  .enum(['auto', ...engineNames])
  .default('auto')
  .describe('what computes the controller; simd-relaxed: faster, with the bits of this machine');
const threads = z.int().min(1).max(64).optional().describe('threads of the engine; default: its own choice');
const seed = z.int().min(0).max(0xffff_ffff).default(1).describe('seed of all random streams');

/** What one search of a sweep is made of. */
export const searchSettings = z.strictObject({
  benchmark: z.string().default('mnist-cells5').describe('benchmark to query'),
  searcher: z.string().default('nao').describe('way of searching'),
  searcherParams: z.record(z.string(), z.unknown()).default({}).describe('parameters of the searcher'),
  controller: z
    .string()
    .optional()
    .describe('run or checkpoint of a pretrained controller; default: a fresh one'),
  queries: z.int().min(1).default(1000).describe('most queries'),
  seconds: z
    .number()
    .positive()
    .optional()
    .describe('simulated training seconds after which no query is made any more; default: no limit'),
  rounds: z
    .int()
    .min(1)
    .optional()
    .describe('most rounds, the initial sample included; default: as many as the budget takes'),
  protocol: z
    .enum(protocols)
    .default('V')
    .describe('which cell is reported: V, the best by validation; T, the best by test (an oracle)'),
  identity: z
    .enum(['cell', 'sequence'])
    .default('cell')
    .describe('what counts as one query; `sequence` is the reference’s'),
  targetFloor: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('validation accuracy at which the predictor’s target is 0'),
  patience: z.int().min(1).default(3).describe('rounds in a row without a new cell that end the search'),
  seed,
  engine,
  threads,
});
export type SearchSettings = z.output<typeof searchSettings>;

/** Parameters of searchers that may stand among the settings themselves; a searcher that has no such parameter passes over it. */
export const searcherFlags = [
  'initial',
  'perRound',
  'top',
  'epochs',
  'learningRate',
  'trainBatch',
  'freezeEncoder',
  'draw',
] as const;

/** Settings without, and those that are, parameters of searchers. */
function withoutFlags(given: Record<string, unknown>): [Record<string, unknown>, Record<string, unknown>] {
  const isFlag = ([name]: [string, unknown]) => (searcherFlags as readonly string[]).includes(name);
  const all = Object.entries(given);
  return [Object.fromEntries(all.filter((entry) => !isFlag(entry))), Object.fromEntries(all.filter(isFlag))];
}

/** Settings of a search, checked and completed, with the parameters of its searcher. */
export function resolveSearch(given: Record<string, unknown>): SearchSettings {
  const [common, flags] = withoutFlags(given);
  const settings = parseSettings(searchSettings, common);
  const { name, params } = findNamed('searcher', searchers, settings.searcher);
  const own = Object.entries(flags).filter(([flag]) => Object.hasOwn(params.shape, flag));
  const all = { ...Object.fromEntries(own), ...settings.searcherParams };
  return { ...settings, searcherParams: parseParams(`searcher ${name}`, params, all) };
}

/** What a sweep is made of: searches side by side that differ in searcher and seed alone. */
export const sweepSettings = searchSettings.omit({ searcher: true }).extend({
  searchers: z
    .array(z.string())
    .min(1)
    .describe('searchers; NAME@scratch is one that is not given the controller'),
  searcherParams: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({})
    .describe('parameters of each searcher'),
  seeds: z.int().min(1).max(1_000_000).default(20).describe('searches of each searcher'),
  seed: seed.describe('seed of the first search of each searcher; the others count on from it'),
  threads: threads.unwrap().default(1).describe('threads of the engine of each search'),
});
export type SweepSettings = z.output<typeof sweepSettings>;

/** Settings of a sweep, checked and completed, with the parameters of each searcher. */
export function resolveSweep(given: Record<string, unknown>): SweepSettings {
  const [common, flags] = withoutFlags(given);
  const settings = parseSettings(sweepSettings, common);
  const { searchers: labels, searcherParams } = settings;
  const twice = labels.find((label, i) => labels.indexOf(label) < i);
  if (twice !== undefined) throw usageError(`searcher '${twice}' is named twice`, 'name each once');
  const stray = Object.keys(searcherParams).find((label) => !labels.includes(label));
  if (stray !== undefined) {
    throw unknownName('searcher of a parameter', stray, labels);
  }
  const resolved = labels.map((label) => {
    const params = { ...searcherParams[label] };
    return [
      label,
      resolveSearch({ ...flags, searcher: searcherOf(label), searcherParams: params }).searcherParams,
    ];
  });
  return { ...settings, searcherParams: Object.fromEntries(resolved) };
}

const scratch = '@scratch';

/** Name of the searcher that a sweep calls `label`. */
export const searcherOf = (label: string): string =>
  label.endsWith(scratch) ? label.slice(0, -scratch.length) : label;

/** The searches of a sweep, seed by seed, so that one that was stopped has as many of each searcher. */
export function* entriesOf(settings: SweepSettings): Generator<{ label: string; entry: SearchSettings }> {
  const { searchers: labels, searcherParams, seeds, seed, controller, ...common } = settings;
  for (let k = 0; k < seeds; k++) {
    for (const label of labels) {
      const given = controller !== undefined && !label.endsWith(scratch) ? { controller } : {};
      const own = { searcher: searcherOf(label), searcherParams: searcherParams[label]!, seed: seed + k };
      yield { label, entry: { ...common, ...given, ...own } };
    }
  }
}

/** Settings checked and completed, or a usage error (exit code 2) that names the field. */
export function parseSettings<S extends z.ZodObject>(schema: S, given: Record<string, unknown>): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const known = Object.keys(schema.shape);
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const near = suggest(key, known);
    throw usageError(
      `unknown setting '${key}'`,
      near ? `did you mean '${near}'?` : `known: ${known.join(', ')}`,
    );
  }
  const field = issue?.path.join('.') ?? '';
  const about = schema.shape[issue?.path[0] as string] as z.ZodType | undefined;
  throw usageError(
    `${field} is ${JSON.stringify(given[field])}: ${issue?.message}`,
    `${field}: ${about?.description ?? 'see the documentation'}`,
  );
}
