import { RecordBatch } from 'apache-arrow';
import { lastValueFrom } from 'rxjs';
import { type EventName, type EventRow, rowsOf } from '../core/batch/index.js';
import { usageError } from '../core/errors.js';
import { given } from '../core/given.js';
import { StageMeters } from '../core/meter.js';
import {
  type Checkpoint,
  createRun,
  type JsonValue,
  openRun,
  type Run,
  resumeRun,
} from '../core/run/index.js';
import type { Protocol, QueryRow } from '../core/search/pool.js';
import { resolvedSpec, specHash, specYaml } from '../core/spec/resolved.js';
import { componentsOf, nameOf, type Spec } from '../core/spec/spec.js';
import type { StepRow } from '../operators/lossStep.js';
import { COLLAPSED } from '../operators/watchCollapse.js';
import type { ReadSpec } from '../pipelines/fromSpec/index.js';
import { checkPlans, planOf } from '../pipelines/fromSpec/plan.js';
import { type OpenedSpec, openSpec } from '../pipelines/fromSpec/resources.js';
import { fromTheStart, type Session, type Start } from '../pipelines/fromSpec/session.js';
import { openPool, phaseStream } from '../pipelines/fromSpec/stages.js';
import type { RoundRow } from '../pipelines/rounds.js';
import { type JobOptions, type JobResult, place, withRun, workName } from './job.js';
import { obstacle, roundsOf, trains } from './resumable.js';

/** A row that a run has logged, how many embeddings it has logged at once, and the end of a round. */
export type SpecRow =
  | { [E in EventName]: { event: E; row: EventRow<E> } }[EventName]
  | { event: 'embedded'; row: { cells: number } }
  | { event: 'round'; row: RoundRow };

export interface SpecResult extends JobResult {
  name: string;
  /** Rows that the run has logged, by event. */
  rows: Readonly<Record<string, number>>;
  /** What each stage has handled. */
  stages: EventRow<'stage'>[];
  /** Of a spec that trains. */
  training?: TrainingFigures;
  /** Of a spec that searches. */
  search?: SearchFigures;
}

export interface TrainingFigures {
  /** Steps done, and steps there are; ∞ where that is not known. */
  steps: number;
  total: number;
  /** The last step's row; absent where no step was done. */
  last?: StepRow;
}

export interface SearchFigures {
  searcher: string;
  protocol: Protocol;
  queries: number;
  /** Row of the last query; its `best_*`, `regret` and `rank` are those of the search. Absent where nothing was queried. */
  last?: QueryRow;
  /** Queries until the final best cell was found (#Queries of the paper's Table 1). */
  queriesToBest: number;
  /** Whether the search ended because nothing new was found. */
  dry: boolean;
}

type Resumed = Awaited<ReturnType<typeof resumeRun>>;

/** Where a checkpoint was made. Checkpoints of rxnas 0.1 hold `dryRounds` alone; the rest is their position then. */
interface Saved {
  phase?: number;
  step?: number;
  round?: number;
  dryRounds?: number;
  /** Phase of the newest search, and query rows that the run had logged before it. */
  search?: { phase: number; before: number };
}

/** Runs a spec and writes the run: what it records, checkpoints, tables at the end. */
export const specJob = (read: ReadSpec, options: JobOptions<SpecRow>): Promise<SpecResult> =>
  runSpec(read, options);

/**
 * Goes on with the run of a spec that was stopped, to the bits that it would have had. Throws exit code 2 where its newest checkpoint lies in
 * the middle of a phase whose stages keep what no checkpoint holds.
 */
export async function resumeSpec(
  dir: string,
  read: ReadSpec,
  options: JobOptions<SpecRow>,
): Promise<SpecResult> {
  const resumed = await resumeRun(dir);
  try {
    const phase = read.spec.phases[savedIn(resumed.checkpoint).phase];
    const reason = resumed.checkpoint && phase && obstacle(phase);
    if (reason) {
      throw usageError(
        `the run ${dir} cannot be resumed in the middle of '${phase.name}': ${reason}`,
        'run the spec again, into another folder',
      );
    }
    return await runSpec(read, options, resumed);
  } finally {
    resumed.run.close();
  }
}

/** What runs of a spec are called: its name, and that of its searcher. */
export function kindOf({ name, phases }: Spec): string {
  const searchers = phases.flatMap((phase) => {
    const rounds = roundsOf(phase);
    return rounds ? [nameOf(rounds.params.searcher)] : [];
  });
  return searchers.length === 1 ? `${name}-${searchers[0]}` : name;
}

/** What the progress of a phase is counted in, and how much of it there is; ∞ where that is not known. */
export interface PhaseAmount {
  phase: string;
  unit: 'steps' | 'queries' | 'cells';
  total: number;
}

async function runSpec(read: ReadSpec, options: JobOptions<SpecRow>, resumed?: Resumed): Promise<SpecResult> {
  const { spec, registry } = read;
  const checkpoint = resumed?.checkpoint;
  let run = resumed?.run;
  const opened = await openSpec(spec, registry, {
    ...(options.onNote && { onNote: options.onNote }),
    // A run that was stopped before its first checkpoint begins again with the controller that it was given.
    ...(checkpoint?.controller && { weights: checkpoint.controller.weights }),
    ...given({ engine: resumed?.run.manifest.engine }),
    runName: () => workName(run!.manifest),
  });
  try {
    checkPlans(spec, opened.space);
    const own = run ?? (await newRun(spec, opened, options));
    run = own;
    for (const warning of resumed?.warnings ?? []) options.onNote?.(warning);
    return await withRun(own, async () => {
      await opened.openController();
      return runPhases(read, opened, own, options, checkpoint);
    });
  } finally {
    await opened.dispose();
  }
}

function newRun(spec: Spec, { engine, benchmark }: OpenedSpec, options: JobOptions<SpecRow>): Promise<Run> {
  const resolved = resolvedSpec(spec);
  return createRun({
    kind: kindOf(spec),
    ...place(options),
    spec: resolved,
    lock: `# ${specHash(resolved)}\n${specYaml(resolved)}`,
    seed: spec.seed,
    ...(engine && { engine: { name: engine.name, threads: engine.threads } }),
    data: benchmark?.data ?? {},
  });
}

async function runPhases(
  { spec, registry }: ReadSpec,
  resources: OpenedSpec,
  run: Run,
  options: JobOptions<SpecRow>,
  checkpoint: Checkpoint | undefined,
): Promise<SpecResult> {
  const saved = savedIn(checkpoint);
  let stopped = false;
  let phase = saved.phase;
  let { search } = saved;
  let lastStep: StepRow | undefined;

  const save = async (position: { step: number; round: number }, state: Saved) => {
    const { controller, space } = resources;
    await run.checkpoint({
      space: space?.name ?? '',
      ...(controller && { controller: { config: controller.config, weights: await controller.weights() } }),
      position: { ...position, epoch: 0 },
      state: { phase, ...(search && { search }), ...state } as JsonValue,
    });
  };
  const session: Session = {
    spec,
    registry,
    resources,
    meters: new StageMeters(),
    host: {
      run: {
        append(event: string, rows: RecordBatch | object | readonly object[]) {
          run.append(event, rows as never);
          if (rows instanceof RecordBatch) {
            if (event === 'embedding') {
              options.onRow?.({ event: 'embedded', row: { cells: rows.numRows } });
            }
            return;
          }
          for (const row of Array.isArray(rows) ? (rows as object[]) : [rows]) {
            if (event === 'step') lastStep = row as StepRow;
            options.onRow?.({ event, row } as SpecRow);
          }
        },
      },
      stop: options.stop,
      onStopped() {
        stopped = true;
      },
      onWarning: ({ code, message, step }) =>
        options.onNote?.(code === COLLAPSED ? `step ${step}: ${message}` : message),
      saveStep: (step) => save({ step, round: 0 }, { step }),
      async saveRound(row) {
        const { round, queries, dryRounds } = row;
        await save({ step: queries, round: round + 1 }, { round: round + 1, dryRounds });
        options.onRow?.({ event: 'round', row });
      },
    },
  };

  if (search && search.phase !== phase) {
    const rounds = roundsOf(spec.phases[search.phase]!)!;
    session.pool = openPool(session, rounds, loggedQueries(run.dir, search.before));
  }
  let steps = saved.step;
  for (; phase < spec.phases.length && !stopped; phase++) {
    const list = spec.phases[phase]!;
    const resumes = checkpoint !== undefined && phase === saved.phase;
    const reason = obstacle(list);
    if (reason) options.onNote?.(`${reason}: stopped in '${list.name}', this run cannot be resumed`);
    const isSearch = roundsOf(list) !== undefined;
    if (isSearch && !(resumes && search?.phase === phase)) {
      search = { phase, before: resumes ? 0 : (run.position.rows.query ?? 0) };
    }
    const start: Start = {
      ...(resumes ? { step: saved.step, round: saved.round, dryRounds: saved.dryRounds } : fromTheStart),
      steps: checkpoint ? loggedSteps(run.dir) : [],
      queries: resumes && isSearch ? loggedQueries(run.dir, search!.before) : [],
    };
    const last = await lastValueFrom(phaseStream(session, list, start), { defaultValue: undefined });
    if (!trains(list)) continue;
    const step = (last as { step?: number } | undefined)?.step;
    steps = step === undefined ? start.step : step + 1;
    await session.host.saveStep(steps);
  }

  const stages = session.meters.rows();
  if (stages.length > 0) run.append('stage', stages);
  const result = resultOf();
  if (stopped) {
    await run.finish('interrupted');
    return { ...result, status: 'interrupted' };
  }
  await run.finish('done', summaryOf(result));
  return { ...result, status: 'done' };

  function resultOf(): Omit<SpecResult, 'status'> {
    const training = spec.phases.find(trains);
    const last = lastStep ?? (training && checkpoint ? lastOf(loggedSteps(run.dir)) : undefined);
    const { pool, round } = session;
    const query = pool?.rows.at(-1);
    const rounds = roundsOf(spec.phases[search?.phase ?? 0]!);
    return {
      dir: run.dir,
      name: spec.name,
      rows: run.position.rows,
      stages,
      ...(training && {
        training: { steps, total: planOf(training, resources.space).steps, ...(last && { last }) },
      }),
      ...(pool &&
        rounds && {
          search: {
            searcher: nameOf(rounds.params.searcher),
            protocol: rounds.params.protocol,
            queries: pool.size,
            queriesToBest: query ? pool.rows.find((row) => isBest(row, query))!.query : 0,
            dry: (round?.dryRounds ?? saved.dryRounds) >= rounds.params.patience,
            ...(query && { last: query }),
          },
        }),
    };
  }
}

/** Whether a query already had the best cell of a later one. */
const isBest = (row: QueryRow, last: QueryRow) =>
  row.best_test === last.best_test && row.best_validation === last.best_validation;

/** Where a run goes on; at its start without a checkpoint. */
function savedIn(checkpoint: Checkpoint | undefined) {
  const state = (checkpoint?.state ?? {}) as Saved;
  const { phase = 0, dryRounds = 0, search } = state;
  const position = state.phase === undefined ? checkpoint?.position : undefined;
  const { step = position?.step ?? 0, round = position?.round ?? 0 } = state;
  return { phase, step, round, dryRounds, search };
}

/** The final figures, as the manifest holds them. */
function summaryOf({ training, search }: Omit<SpecResult, 'status'>): Record<string, JsonValue> {
  const { steps, last: step } = training ?? {};
  const { last: query } = search ?? {};
  return {
    ...(training && { steps: steps! }),
    ...(step && { total: step.total, reconstruction: step.reconstruction, metric: step.metric }),
    ...(search && {
      protocol: search.protocol,
      queries: search.queries,
      queriesToBest: search.queriesToBest,
      dry: search.dry,
    }),
    ...(query && {
      best_validation: query.best_validation,
      best_test: query.best_test,
      regret: query.regret,
      rank: query.rank,
    }),
  };
}

function lastOf<T>(rows: Iterable<T>): T | undefined {
  let last: T | undefined;
  for (const row of rows) last = row;
  return last;
}

/** The steps that a resumed run has logged up to its checkpoint. */
const loggedSteps = (dir: string): Iterable<StepRow> => ({ [Symbol.iterator]: () => logged(dir, 'step') });

/** The same of the queries, without those `before` the newest search. */
const loggedQueries = (dir: string, before: number): Iterable<QueryRow> => ({
  *[Symbol.iterator]() {
    let index = 0;
    for (const row of logged(dir, 'query')) if (index++ >= before) yield row;
  },
});

function* logged<E extends 'step' | 'query'>(dir: string, event: E): Generator<EventRow<E>> {
  for (const { batch } of openRun(dir).records({ events: [event] })) {
    yield* rowsOf(batch) as Generator<EventRow<E>>;
  }
}

/** What each phase's progress is counted in; phases without steps, queries and embeddings are left out. */
export function amountsOf({ phases }: Spec, space: OpenedSpec['space']): PhaseAmount[] {
  return phases.flatMap((phase): PhaseAmount[] => {
    if (trains(phase)) return [{ phase: phase.name, unit: 'steps', total: planOf(phase, space).steps }];
    const [first] = phase.stages;
    if (first?.kind === 'component' && first.name === 'embedCells') {
      const { sample } = first.params;
      const total = sample === 'all' ? space?.size : Number(sample);
      return [{ phase: phase.name, unit: 'cells', total: total || Number.POSITIVE_INFINITY }];
    }
    if (!roundsOf(phase)) return [];
    const budgets = [...componentsOf(phase)].flatMap(
      ({ params }) => (params.budget as number | undefined) ?? [],
    );
    return [{ phase: phase.name, unit: 'queries', total: Math.min(Number.POSITIVE_INFINITY, ...budgets) }];
  });
}
