import { dataError, usageError } from '../core/errors.js';
import { isRun, type JsonValue, type Manifest, readManifest } from '../core/run/index.js';
import type { JobOptions, JobResult } from './job.js';
import { pretrainJob, resolvePretrain, resumePretrain } from './pretrain.js';
import { resumeSearch, searchJob } from './search.js';
import { resolveSearch, resolveSweep } from './settings.js';
import { resumeSweep, sweepJob } from './sweep.js';

/** What can be done with the settings and the run of one kind of job. */
export interface JobKind {
  readonly name: 'pretrain' | 'search' | 'sweep';
  /** Settings checked and completed: what the manifest of a run holds. */
  resolve(settings: Record<string, unknown>): Record<string, unknown>;
  start(settings: Record<string, unknown>, options: JobOptions<unknown>): Promise<JobResult>;
  resume(dir: string, options: JobOptions<unknown>): Promise<JobResult>;
}

const kinds: readonly JobKind[] = [
  { name: 'pretrain', resolve: resolvePretrain, start: pretrainJob, resume: resumePretrain },
  {
    name: 'search',
    resolve: resolveSearch,
    start: searchJob,
    resume: resumeSearch,
  },
  { name: 'sweep', resolve: resolveSweep, start: sweepJob, resume: resumeSweep },
];

/** The kind of a run: `pretrain`, `sweep`, or `search-` and the searcher. Throws exit code 3 for one that rxnas does not know. */
export function jobKind({ id, kind }: Pick<Manifest, 'id' | 'kind'>): JobKind {
  const known = kinds.find(({ name }) => kind === name || kind.startsWith(`${name}-`));
  if (known) return known;
  throw dataError(
    `the run ${id} is a '${kind}', which this rxnas cannot compute`,
    `it knows ${kinds.map(({ name }) => name).join(' and ')}; the rows can be read (\`rxnas replay\`)`,
  );
}

/** The completed settings that a run was made with. */
export const settingsOfRun = (manifest: Manifest): Record<string, unknown> =>
  jobKind(manifest).resolve(manifest.spec as Record<string, unknown>);

/**
 * What a command with `--out` finds there: nothing yet (`new`), or a run of the same settings, to go on with (`stopped`) or finished
 * (`done`). Throws exit code 2 where a run of other settings is there, naming the first that differs.
 */
export function standing(
  out: string,
  kind: JobKind['name'],
  settings: () => Record<string, unknown>,
): 'new' | 'stopped' | 'done' {
  if (!isRun(out)) return 'new';
  const manifest = readManifest(out);
  const found = jobKind(manifest);
  const elsewhere = 'give another folder with --out, or the same settings to go on with it';
  if (found.name !== kind) throw usageError(`${out} holds a ${found.name} run`, elsewhere);
  const here = settingsOfRun(manifest);
  const wanted = found.resolve(settings());
  const [different] = differences([here, wanted] as Record<string, JsonValue>[]);
  if (different) {
    const [was, is] = different.values.map(textOf);
    throw usageError(`${out} holds a run with ${different.name} ${was}, not ${is}`, elsewhere);
  }
  return manifest.status === 'done' ? 'done' : 'stopped';
}

const textOf = (value: JsonValue | undefined) => (value === undefined ? '(default)' : JSON.stringify(value));

/** One setting that is not the same everywhere. */
export interface SettingDifference {
  name: string;
  /** By run; undefined where it is not given. */
  values: (JsonValue | undefined)[];
}

/** The settings in which `settings` differ, each named by its path (`lossParams.margin`). */
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

function* leaves(value: { [key: string]: JsonValue }, path = ''): Generator<[string, JsonValue]> {
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
    if (isObject) yield* leaves(item, `${path}${key}.`);
    else yield [`${path}${key}`, item];
  }
}
