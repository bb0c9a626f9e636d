import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultIfEmpty, lastValueFrom, takeUntil, tap } from 'rxjs';
import type { EventRow } from '../../core/batch/index.js';
import { controllerFor } from '../../core/controller/config.js';
import { flatten } from '../../core/controller/weights.js';
import { exitCode, failure, RxnasError } from '../../core/errors.js';
import {
  createRun,
  isRun,
  type JsonValue,
  readManifest,
  replaceFile,
  resumeRun,
  unpackRun,
} from '../../core/run/index.js';
import type { Protocol, QueryRow } from '../../core/search/pool.js';
import type { Executor } from '../../core/work/executor.js';
import { executorsOn, isElsewhere } from '../../core/work/executors.js';
import { spaceOf } from '../../pipelines/fromSpec/index.js';
import { storedWeights } from '../../pipelines/fromSpec/resources.js';
import { resolvedSweep, type Sweep } from '../../pipelines/fromSpec/sweep.js';
import { type JobOptions, type JobResult, place, withRun, workName } from '../job.js';
import { sweepOfRun } from '../kinds.js';
import { adopt, requireFolders, sameRows } from './adopt.js';
import { adoptSearches } from './adoptSearches.js';
import { asReady } from './asReady.js';
import { checkBenchmarks } from './benchmarks.js';
import { loggedOutcomes, outcomeOf, type SearchOutcome } from './outcome.js';
import { WaitingSearches } from './store.js';
import { type SummaryRow, summarise } from './summary.js';
import { lossOf, type PretrainTask, type SearchTask, type SweepTask, searchOf, tasksOf } from './tasks.js';
import {
  finalWeights,
  type PretrainResult,
  type SearchResult,
  type SweepUnit,
  type UnitResult,
} from './unit.js';
import { sweepKind } from './unitKind.js';

export interface SweepResult extends JobResult {
  name: string;
  /** Of each variant, in their order. */
  summary: SummaryRow[];
  /** What there is to know of where the accuracies come from, by benchmark. */
  provenance: Record<string, string>;
  progress: SweepStanding;
}

/** How far a sweep is. */
export interface SweepStanding {
  pretrainings: { done: number; all: number };
  searches: { done: number; all: number };
}

export interface SweepOptions extends JobOptions<SearchOutcome> {
  /** Carries out the units, instead of one that `on` names. */
  executor?: Executor<SweepUnit, UnitResult>;
  /** Where the units are carried out (`Executors`), instead of where the sweep says; default: processes of this machine. */
  on?: string;
  /** Processes, or units on the server at once; default: one for each processor, or 256. */
  workers?: number;
  /** Folders with pretrainings that may be taken instead of made. */
  reuse?: readonly string[];
  /** Told each pretraining that is there, made or taken. */
  onPretrained?: (name: string) => void;
}

/**
 * Runs a sweep: pretrains each variant once a seed, searches on top, side by side, and writes one run. Its pretrainings are runs of their own in
 * `pretrain-VARIANT-SEED` in its folder. A row for each query of each search, in an order that no timing changes.
 *
 * A unit that fails (training that diverged, a worker that died again and again) does not end the others: it is told at the end, with exit code 1,
 * and made again when the sweep is gone on with.
 */
export const sweepJob = (sweep: Sweep, options: SweepOptions): Promise<SweepResult> =>
  runSweep(sweep, options);

/** Goes on with a sweep that was stopped: what was finished is kept, pretrainings go on from their checkpoints. */
export async function resumeSweep(dir: string, options: SweepOptions): Promise<SweepResult> {
  const resumed = await resumeRun(dir);
  try {
    return await runSweep(await sweepOfRun(resumed.run.manifest), options, resumed);
  } finally {
    resumed.run.close();
  }
}

/** Checkpoints cost a flush to the disk, and a search may take milliseconds. */
const checkpointEvery = 1000;

async function runSweep(
  sweep: Sweep,
  options: SweepOptions,
  resumed?: Awaited<ReturnType<typeof resumeRun>>,
): Promise<SweepResult> {
  const { onNote = () => {} } = options;
  const on = options.on ?? sweep.executor;
  const { pretrainings, searches } = tasksOf(sweep);
  // What cannot be opened is reported before anything is written.
  requireFolders(options.reuse ?? []);
  const { data, provenance, space } = await checkBenchmarks(sweep, onNote);
  const weights = storedControllers(sweep, onNote);
  let run = resumed?.run;
  const executors = executorsOn(on ?? 'processes', { run: () => workName(run!.manifest), onNote });
  const open = (folder?: string) =>
    executors.open(sweepKind(folder), {
      ...{ slots: options.workers, attempts: 2 },
      onCrash: (reason, { name }, failures) => onNote(`${name}, attempt ${failures}: ${reason}`),
    });
  const elsewhere = isElsewhere(executors.on) && !options.executor ? await open() : undefined;
  try {
    run ??= await createRun({
      kind: 'sweep',
      ...place(options as JobOptions<never>),
      spec: resolvedSweep({ ...sweep, ...(on !== undefined && { executor: on }) }),
      seed: sweep.seed,
      data,
    });
  } catch (error) {
    await elsewhere?.close();
    throw error;
  }
  const { dir } = run;
  for (const warning of resumed?.warnings ?? []) onNote(warning);

  return withRun(run, async () => {
    const taken = await adopt(dir, options.reuse ?? [], pretrainings, onNote);
    if (taken.length > 0) onNote(`${taken.length} pretrainings taken from ${options.reuse!.join(', ')}`);
    const pretrained = new Set<PretrainTask>();
    const isPretrained = async (task: PretrainTask) => {
      const folder = join(dir, task.name);
      if (!isRun(folder)) return false;
      const manifest = readManifest(folder);
      await sameRows(folder, manifest, task);
      return manifest.status === 'done';
    };
    for (const task of pretrainings) {
      if (!(await isPretrained(task))) continue;
      pretrained.add(task);
      options.onPretrained?.(task.name);
    }

    let logged = resumed?.checkpoint?.position.step ?? 0;
    const found = logged > 0 ? loggedOutcomes(dir) : [];
    const waiting = new WaitingSearches(dir);
    const early = new Map<number, SearchOutcome>();
    const there = new Set(waiting.list());
    const takenSearches = await adoptSearches(
      options.reuse ?? [],
      searches,
      waiting,
      ({ index }) => index >= logged && !there.has(index),
      onNote,
    );
    if (takenSearches > 0) onNote(`${takenSearches} searches taken from ${options.reuse!.join(', ')}`);
    for (const index of waiting.list()) {
      if (index < logged) waiting.remove(index);
      else early.set(index, outcomeOf(waiting.rows(index)));
    }
    for (const outcome of [...found, ...early.values()]) options.onRow?.(outcome);

    const save = async () => {
      await run.checkpoint({ space, position: { step: logged, epoch: 0, round: 0 } });
      for (const index of ready.splice(0)) waiting.remove(index);
    };
    /** Logged, but not safely yet. */
    const ready: number[] = [];
    let saved = performance.now();
    const log = (rows: EventRow<'result'>[], outcome: SearchOutcome) => {
      run.append('result', rows);
      found.push(outcome);
      logged++;
    };
    const catchUp = () => {
      for (let next = early.get(logged); next; next = early.get(logged)) {
        early.delete(logged);
        ready.push(logged);
        log(waiting.rows(logged), next);
      }
    };
    const take = async (task: SearchTask, result: SearchResult, milliseconds: number) => {
      const rows = result.rows.map((row) => resultRow(task, row));
      const outcome = outcomeOf(rows);
      if (task.index === logged) log(rows, outcome);
      else {
        await waiting.put(task.index, rows);
        early.set(task.index, outcome);
      }
      catchUp();
      options.onRow?.(outcome);
      if (milliseconds > checkpointEvery || performance.now() - saved > checkpointEvery) {
        await save();
        saved = performance.now();
      }
    };
    catchUp(); // as far as an earlier part of the run has come

    const executor = options.executor ?? elsewhere ?? (await open(dir));
    let closed = false;
    let turn = Promise.resolve();
    /** Stores one result after the other; none any more once the sweep has ended. */
    const inTurn = (store: () => Promise<void>): Promise<void> => {
      turn = turn.then(async () => {
        if (!closed) await store();
      });
      return turn;
    };
    const failed: { name: string; error: RxnasError }[] = [];
    const lost = new Set<PretrainTask>();
    const work = async (task: SweepTask) => {
      if (task.kind === 'search' && task.after && lost.has(task.after)) return;
      const started = performance.now();
      let result: UnitResult;
      try {
        result = await executor.run(unitOf(task));
      } catch (error) {
        if (!(error instanceof RxnasError) || error.exitCode !== exitCode.failure || closed) throw error;
        failed.push({ name: task.name, error });
        if (task.kind === 'pretrain') lost.add(task);
        onNote(`${task.name} failed: ${error.message}`);
        return;
      }
      await inTurn(async () => {
        if (task.kind === 'search') return take(task, result as SearchResult, performance.now() - started);
        const { run } = result as PretrainResult;
        if (run) await keepRun(run, join(dir, task.name));
        pretrained.add(task);
        options.onPretrained?.(task.name);
      });
    };
    const unitOf = ({ kind, name, spec, ...task }: SweepTask): SweepUnit => {
      if (kind === 'pretrain') return { kind, name, spec };
      const { after, variant } = task as SearchTask;
      const own = after ? finalWeights(join(dir, after.name)) : weights.get(variant.name);
      const { controller: _, ...rest } = spec;
      return { kind, name, spec: rest, ...(own && { weights: own }) };
    };
    const isDone = (task: SweepTask) =>
      task.kind === 'pretrain' ? pretrained.has(task) : task.index < logged || early.has(task.index);
    let stopped = false;
    try {
      await lastValueFrom(
        asReady(executor.slots, tasksToDo(searches, isDone), work).pipe(
          takeUntil(options.stop.pipe(tap(() => (stopped = true)))),
          defaultIfEmpty(undefined),
        ),
      );
    } finally {
      closed = true;
      await turn.catch(() => {}); // its error is the one that is thrown
      if (!options.executor) await executor.close();
    }
    await save();
    run.flush();

    const all = [...found, ...early.values()];
    const summary = summarise(sweep, all);
    const progress = {
      pretrainings: { done: pretrained.size, all: pretrainings.length },
      searches: { done: all.length, all: searches.length },
    };
    const result = { dir, name: sweep.name, summary, provenance, progress };
    if (stopped) {
      await run.finish('interrupted');
      return { ...result, status: 'interrupted' as const };
    }
    if (failed.length > 0) {
      const [{ name, error }] = failed as [(typeof failed)[number]];
      throw failure(
        `${failed.length} of the sweep's units failed, ${name} first: ${error.message}`,
        `${all.length} of ${searches.length} searches are kept; \`rxnas resume ${dir}\` tries the others again`,
      );
    }
    waiting.close();
    run.append('summary', summary);
    await replaceFile(join(dir, 'summary.json'), summaryJson(result));
    await run.finish('done', headOf(summary));
    return { ...result, status: 'done' as const };
  }).finally(() => elsewhere?.close());
}

/** What is not done yet, each pretraining in front of the first search that needs it. */
function tasksToDo(searches: readonly SearchTask[], isDone: (task: SweepTask) => boolean): SweepTask[] {
  const tasks = new Set<SweepTask>();
  for (const search of searches.filter((each) => !isDone(each))) {
    if (search.after && !isDone(search.after)) tasks.add(search.after);
    tasks.add(search);
  }
  return [...tasks];
}

function resultRow({ variant, pretrainSeed, seed }: SearchTask, row: QueryRow): EventRow<'result'> {
  const { protocol } = searchOf(variant);
  return {
    ...row,
    variant: variant.name,
    loss: lossOf(variant),
    pretrain_seed: pretrainSeed,
    seed,
    protocol,
  };
}

/** Makes the folder of a pretraining that was carried out elsewhere. */
async function keepRun(packed: Uint8Array, out: string): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'rxnas-packed-'));
  try {
    const file = join(temporary, 'run.tar');
    writeFileSync(file, packed);
    await unpackRun(file, { out });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The controllers that the searches of variants without a pretraining begin with, by variant. */
function storedControllers({ variants }: Sweep, onNote: (line: string) => void): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const { name, search } of variants) {
    const space = spaceOf(search.spec, search.registry)!;
    const stored = storedWeights(search.spec.controller, space, onNote);
    if (stored) weights.set(name, flatten(controllerFor(space), stored));
  }
  return weights;
}

/** What `summary.json` holds; null where a figure is not there. */
const summaryJson = ({ name, provenance, progress, summary }: Omit<SweepResult, 'status'>): string =>
  `${JSON.stringify(
    { name, provenance, progress, variants: summary },
    (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? null : value),
    2,
  )}\n`;

/** What the manifest of a finished sweep says. */
function headOf(summary: readonly SummaryRow[]): Record<string, JsonValue> {
  const protocols = new Set(summary.map(({ protocol }) => protocol as Protocol));
  const against = summary.find((row) => row.against !== '')?.against;
  return {
    protocol: [...protocols].join(', '),
    variants: summary.length,
    searches: summary.reduce((sum, { searches }) => sum + searches, 0),
    ...(against !== undefined && { against }),
  };
}
