import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { BenchmarkSpec } from '../../core/benchmark/index.js';
import { openEngine } from '../../core/engine/index.js';
import { dataError, usageError } from '../../core/errors.js';
import type { JsonValue } from '../../core/run/index.js';
import type { QueryRow } from '../../core/search/pool.js';
import { fileReference, type WorkFiles, type WorkKind } from '../../core/work/kind.js';
import { figure, fromBytes, toBytes } from '../../core/work/message.js';
import { besideModule } from '../../core/workers.js';
import { builtIns } from '../../pipelines/builtIns.js';
import type { Resolved } from './tasks.js';
import type { SearchResult, SweepUnit, UnitResult } from './unit.js';

/** Tells worker processes of this machine the sweep's folder. */
export const folderVariable = 'RXNAS_SWEEP_FOLDER';

/** Fields of a spec that comes in a message: modules (`use`), files (`controller`) and other specs (`extends`) are none of them. */
const fields = ['name', 'seed', 'engine', 'space', 'benchmark', 'pipeline'];

/** Stages of a spec that comes in a message: all that compute, none that reads or writes files or the network. */
const stages = new Set([
  ...['anchors', 'mutate', 'batch', 'encode', 'mine', 'lossStep', 'watchCollapse', 'checkpoint', 'record'],
  ...['rounds', 'propose', 'seedCells', 'benchmarkLookup', 'proposals', 'learn', 'embedCells'],
  ...['average', 'withAccuracy', 'withTokens', 'tee', 'merge'],
]);

type Plain = Record<string, unknown>;
const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a worker must not do of what a spec says; undefined where there is nothing. */
function forbidden(spec: Plain): string | undefined {
  const field = Object.keys(spec).find((name) => !fields.includes(name));
  if (field !== undefined) return `the field ${field}`;
  const { benchmark, pipeline } = spec;
  const name = isPlain(benchmark) ? Object.keys(benchmark)[0] : benchmark;
  if (name !== undefined) {
    const component = builtIns.get('benchmark', String(name)) as BenchmarkSpec | undefined;
    if (!component || component.trains) return `the benchmark ${name}`;
    const { file } = (
      isPlain(benchmark) && isPlain(benchmark[name as string]) ? benchmark[name as string] : {}
    ) as Plain;
    if (file !== undefined && !(typeof file === 'string' && fileReference.test(file)))
      return 'a file of its own';
  }
  return unknownStage(pipeline);
}

/** The first stage of lists in lists that is not among {@link stages}. */
function unknownStage(lists: unknown): string | undefined {
  if (!Array.isArray(lists)) {
    return isPlain(lists) ? firstOf(Object.values(lists), unknownStage) : undefined;
  }
  return firstOf(lists, (stage) => {
    if (typeof stage === 'string') return stages.has(stage) ? undefined : `the stage ${stage}`;
    return firstOf(Object.entries(isPlain(stage) ? stage : {}), ([name, params]) => {
      if (!stages.has(name)) return `the stage ${name}`;
      if (name === 'rounds') return unknownStage((params as Plain | null)?.each);
      return name === 'tee' || name === 'merge' ? unknownStage(params) : undefined;
    });
  });
}

function firstOf<T>(values: readonly T[], find: (value: T) => string | undefined): string | undefined {
  for (const value of values) {
    const found = find(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

const sentSpec = z.custom<Resolved>(isPlain, 'is no spec').superRefine((spec, context) => {
  const found = forbidden(spec);
  if (found) context.addIssue({ code: 'custom', message: `asks for ${found}, which no message may` });
});
const reference = z.string().regex(fileReference);
/** Part of the name of a folder. */
const unitName = z.string().regex(/^(pretrain|search)-[A-Za-z][\w@.+-]{0,180}$/);

const message = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pretrain'), name: unitName, spec: sentSpec }),
  z.strictObject({
    kind: z.literal('search'),
    name: unitName,
    spec: sentSpec,
    weights: reference.exactOptional(),
  }),
]);
type Message = z.output<typeof message>;

const row: z.ZodType<QueryRow> = z.strictObject({
  ...{ query: z.int(), round: z.int(), cell: z.int().min(0), hash: z.string() },
  ...{ searcher: z.string(), origin: z.string(), validation: figure, test: figure },
  ...{ best_validation: figure, best_test: figure, regret: figure, rank: z.int(), seconds: figure },
});
const rows = z.array(row);
const pretrained = z.strictObject({ weights: reference, run: reference });
const searched = z.union([z.strictObject({ rows }), z.strictObject({ file: reference })]);
type Sent = z.output<typeof pretrained> | z.output<typeof searched>;

/** Bytes of rows that a message takes; more go as a file. */
const mostInMessage = 256 * 1024;

/**
 * Units of a sweep as a kind of work.
 *
 * @param folder of the sweep, for workers of this machine; elsewhere the result of a pretraining has the whole run
 */
export const sweepKind = (folder?: string): WorkKind<SweepUnit, UnitResult, Message, Sent> => ({
  name: 'sweep',
  summary: 'a pretraining or a search of a sweep',
  message,
  result: ({ kind }) => (kind === 'pretrain' ? pretrained : searched),
  describe: ({ name }) => name,
  load: async () => {
    const { runUnit } = await import('./unit.js');
    return (unit) => runUnit(unit, { folder });
  },
  script: besideModule(import.meta.url, './unitProcess.js'),
  ...(folder !== undefined && { env: { [folderVariable]: folder } }),

  async toMessage(unit, files) {
    const { kind, name } = unit;
    const spec = await sentSpecOf(unit, files);
    if (kind === 'pretrain' || !unit.weights) return { kind, name, spec };
    return { kind, name, spec, weights: await sendFloats(unit.weights, files) };
  },
  async fromMessage(sent, files) {
    const { kind, name } = sent;
    const spec = await mapFile(sent.spec, (file) => files.fetch(file));
    if (kind === 'pretrain' || sent.weights === undefined) return { kind, name, spec };
    return { kind, name, spec, weights: floatsOf(await files.fetch(sent.weights)) };
  },
  async resultToMessage(result, files) {
    if ('rows' in result) {
      const bytes = toBytes(result);
      return bytes.length > mostInMessage ? { file: await sendBytes(bytes, files) } : result;
    }
    const { weights, run } = result;
    return { weights: await sendFloats(weights, files), run: await sendBytes(run!, files) };
  },
  async resultFromMessage(sent, files) {
    if ('rows' in sent) return sent;
    if ('file' in sent) return rowsOf(await files.fetch(sent.file));
    const weights = floatsOf(await files.fetch(sent.weights));
    return { weights, run: new Uint8Array(readFileSync(await files.fetch(sent.run))) };
  },
});

/** The spec of a unit as other machines can carry it out, to the same bits. Throws exit code 2 where they cannot. */
async function sentSpecOf({ name, spec }: SweepUnit, files: WorkFiles): Promise<Resolved> {
  const { executor: _, ...own } = spec;
  // What `auto` means depends on the machine.
  const sent = await mapFile({ ...own, ...(await sentEngine(own.engine)) }, (file) => files.send(file));
  const found = forbidden(sent);
  if (!found) return sent;
  throw usageError(
    `${name} asks for ${found}, which workers of a NATS server do not do`,
    'run the sweep on this machine: --on processes',
  );
}

async function sentEngine(engine: JsonValue | undefined): Promise<{ engine?: JsonValue }> {
  if (engine === undefined) return {};
  const [name, params] = isPlain(engine) ? Object.entries(engine)[0]! : [engine as string, {}];
  return { engine: { [name === 'auto' ? await automatic() : name]: params as JsonValue } };
}

let chosen: Promise<string> | undefined;

/** The engine that `auto` is on this machine. */
function automatic(): Promise<string> {
  chosen ??= openEngine('auto').then(async (engine) => {
    const { name } = engine;
    await engine.dispose();
    return name;
  });
  return chosen;
}

/** A spec with the file of its benchmark, where it has one, replaced. */
async function mapFile(spec: Resolved, map: (file: string) => Promise<string>): Promise<Resolved> {
  const { benchmark } = spec;
  if (!isPlain(benchmark)) return spec;
  const [[name, params] = ['', null]] = Object.entries(benchmark) as [string, JsonValue][];
  if (!isPlain(params) || typeof params.file !== 'string') return spec;
  return { ...spec, benchmark: { [name]: { ...params, file: await map(params.file) } as JsonValue } };
}

const sendBytes = (bytes: Uint8Array, files: WorkFiles) =>
  files.send({ name: createHash('sha256').update(bytes).digest('hex'), content: () => bytes });

const sendFloats = ({ buffer, byteOffset, byteLength }: Float32Array, files: WorkFiles) =>
  sendBytes(new Uint8Array(buffer, byteOffset, byteLength), files);

function floatsOf(file: string): Float32Array {
  const bytes = readFileSync(file);
  if (bytes.length % 4 > 0) throw dataError(`${file} holds no weights`, 'see who may publish on this server');
  return new Float32Array(new Uint8Array(bytes).buffer);
}

function rowsOf(file: string): SearchResult {
  const { data } = z
    .strictObject({ rows })
    .safeParse(fromBytes(readFileSync(file), Number.POSITIVE_INFINITY));
  if (!data) throw dataError(`${file} holds no rows of a search`, 'see who may publish on this server');
  return data;
}
