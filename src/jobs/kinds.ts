import { dataError, usageError } from '../core/errors.js';
import { isRun, type JsonValue, type Manifest, readManifest } from '../core/run/index.js';
import { differences } from '../core/spec/differences.js';
import type { Override } from '../core/spec/override.js';
import { resolvedSpec, rowsOfSpec } from '../core/spec/resolved.js';
import { type ReadSpec, readSpec } from '../pipelines/fromSpec/index.js';
import { readSweep, resolvedSweep, type Sweep } from '../pipelines/fromSpec/sweep.js';
import { pretrainSpec, searchSpec } from './settings.js';

type Resolved = Record<string, JsonValue>;

const settingsOf = ({ spec }: Pick<Manifest, 'spec'>): Resolved =>
  typeof spec === 'object' && spec !== null && !Array.isArray(spec) ? spec : {};

/** Whether a run is a sweep: pretrainings and searches side by side. */
export const isSweep = ({ kind, spec }: Pick<Manifest, 'kind' | 'spec'>): boolean =>
  kind === 'sweep' && !('pipeline' in settingsOf({ spec }));

/** Whether a spec names modules of its own: to read it is to run them, so a command that only shows a run does not. */
export const hasModules = ({ spec }: Pick<Manifest, 'spec'>): boolean =>
  JSON.stringify(spec).includes('"use":');

/**
 * The spec that a run was made from, as its manifest holds it. Runs of rxnas 0.1 hold settings, of which it is made anew. Throws exit code 3
 * for a run of a kind that rxnas does not know, 2 where the spec cannot be read (a module that it uses is gone).
 * @param set fields set on top
 */
export async function specOfRun(
  { id, kind, spec }: Pick<Manifest, 'id' | 'kind' | 'spec'>,
  set: readonly Override[] = [],
): Promise<ReadSpec> {
  const settings = settingsOf({ spec });
  if (settings !== spec) {
    throw dataError(`the manifest of ${id} has no settings`, 'restore it from a backup, or run again');
  }
  if ('pipeline' in settings) return readSpec(settings, { set, environment: {} });
  if (kind === 'pretrain') return pretrainSpec({ apart: 0, ...settings }, set);
  if (kind.startsWith('search-')) return searchSpec(settings, set);
  throw dataError(
    `the run ${id} is a '${kind}', which this rxnas cannot compute`,
    'its manifest holds no pipeline; the rows can be read (`rxnas replay`)',
  );
}

/** What a command would run: the name of its kind, and everything that its rows depend on. */
export interface Wanted {
  name: string;
  resolved: Resolved;
}

/** What the run of a spec depends on. */
export const wantedSpec = ({ spec }: ReadSpec): Wanted => ({
  name: spec.name,
  resolved: rowsOfSpec(resolvedSpec(spec)),
});

/** The same of a sweep. */
export function wantedSweep(sweep: Sweep): Wanted {
  const { published: _, executor: __, ...resolved } = resolvedSweep(sweep);
  return { name: sweep.name, resolved };
}

/**
 * The sweep that a run was made from. Throws exit code 2 for one of rxnas 0.1, whose rows have other columns.
 * @param set fields set in each of its specs
 */
export async function sweepOfRun(
  { id, spec }: Pick<Manifest, 'id' | 'spec'>,
  set: readonly Override[] = [],
): Promise<Sweep> {
  if ('searchers' in settingsOf({ spec })) {
    throw usageError(
      `${id} is a comparison of rxnas 0.1, whose rows had other columns`,
      'they can be read (`rxnas replay`); run it again into another folder',
    );
  }
  return readSweep(settingsOf({ spec }), { setSearch: set, setPretrain: set, environment: {} });
}

/**
 * What a command with `--out` finds there: nothing yet (`new`), or a run of the same spec, to go on with (`stopped`) or finished
 * (`done`). Throws exit code 2 where a run of another spec is there, naming the first field that differs.
 */
export async function standing(out: string, { name, resolved }: Wanted): Promise<'new' | 'stopped' | 'done'> {
  if (!isRun(out)) return 'new';
  const manifest = readManifest(out);
  const elsewhere = 'give another folder with --out, or the same settings to go on with it';
  const here = isSweep(manifest)
    ? wantedSweep(await sweepOfRun(manifest))
    : wantedSpec(await specOfRun(manifest));
  if (here.name !== name) throw usageError(`${out} holds a ${here.name} run`, elsewhere);
  const [different] = differences([here.resolved, resolved]);
  if (different) {
    const [was, is] = different.values.map(textOf);
    throw usageError(`${out} holds a run with ${different.name} ${was}, not ${is}`, elsewhere);
  }
  return manifest.status === 'done' ? 'done' : 'stopped';
}

const textOf = (value: JsonValue | undefined) => (value === undefined ? '(default)' : JSON.stringify(value));
