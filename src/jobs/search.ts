import { defaultIfEmpty, lastValueFrom, takeUntil, tap } from 'rxjs';
import { type EventRow, rowsOf } from '../core/batch/index.js';
import type { Benchmark } from '../core/benchmark/benchmark.js';
import { openBenchmark } from '../core/benchmark/index.js';
import { initialWeights } from '../core/controller/weights.js';
import type { Controller } from '../core/engine/engine.js';
import { dataError } from '../core/errors.js';
import { given } from '../core/given.js';
import { findNamed } from '../core/params.js';
import { controllerCheckpoint, createRun, type JsonValue, openRun, resumeRun } from '../core/run/index.js';
import { Pool, type Protocol, type QueryRow } from '../core/search/pool.js';
import { embedCells } from '../operators/embedCells.js';
import { record } from '../operators/record.js';
import { type RoundRow, type SearchEvent, search } from '../pipelines/search.js';
import { learns, searchers } from '../pipelines/searchers/index.js';
import { controllerConfig, engineFor, type JobOptions, type JobResult, place, withRun } from './job.js';
import { resolveSearch, type SearchSettings } from './settings.js';

export interface SearchResult extends JobResult {
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

/** Searches a benchmark and writes the run: queries, training metrics, checkpoints, embeddings of the queried cells. */
export async function searchJob(
  settings: Record<string, unknown>,
  options: JobOptions<SearchEvent>,
): Promise<SearchResult> {
  return runSearch(resolveSearch(settings), options);
}

/** Goes on with a search that was stopped, from the end of its last whole round, to the bits that it would have had. */
export async function resumeSearch(dir: string, options: JobOptions<SearchEvent>): Promise<SearchResult> {
  const resumed = await resumeRun(dir);
  try {
    return await runSearch(
      resolveSearch(resumed.run.manifest.spec as Record<string, unknown>),
      options,
      resumed,
    );
  } finally {
    resumed.run.close();
  }
}

async function runSearch(
  settings: SearchSettings,
  options: JobOptions<SearchEvent>,
  resumed?: Resumed,
): Promise<SearchResult> {
  const benchmark = await openBenchmark(settings.benchmark, {}, given({ onNote: options.onNote }));
  try {
    return await searchIn(benchmark, settings, options, resumed);
  } finally {
    await benchmark.close?.();
  }
}

async function searchIn(
  benchmark: Benchmark,
  settings: SearchSettings,
  options: JobOptions<SearchEvent>,
  resumed?: Resumed,
): Promise<SearchResult> {
  const { seed, identity, protocol, targetFloor } = settings;
  const spec = findNamed('searcher', searchers, settings.searcher);
  const pool = new Pool({ benchmark, searcher: spec.name, seed, identity, protocol, targetFloor });
  // A run that was stopped before its first checkpoint begins again with the controller that it was given.
  const weights = resumed?.checkpoint ? undefined : startingWeights(settings, benchmark, options);

  // Many searchers need no engine, and should not wait for one.
  const engine = learns(spec) ? await engineFor(settings, resumed) : undefined;
  let controller: Controller | undefined;
  try {
    const run =
      resumed?.run ??
      (await createRun({
        kind: `search-${settings.searcher}`,
        ...place(options),
        spec: settings as unknown as JsonValue,
        seed,
        ...(engine && { engine: { name: engine.name, threads: engine.threads } }),
        data: benchmark.data ?? {},
      }));
    for (const warning of resumed?.warnings ?? []) options.onNote?.(warning);

    return await withRun(run, async () => {
      const { space } = benchmark;
      const config = controllerConfig(space);
      const checkpoint = resumed?.checkpoint;
      if (checkpoint) for (const row of loggedQueries(run.dir)) pool.restore(row);
      if (engine) {
        controller = await engine.controller(
          config,
          checkpoint?.controller?.weights ?? weights ?? initialWeights(config, seed),
        );
      }
      const searcher = spec.create({
        ...settings.searcherParams,
        benchmark,
        pool,
        seed,
        controller: controller as Controller, // there where the searcher needs it
      });
      const save = async ({ round, queries, dryRounds }: RoundRow) => {
        await run.checkpoint({
          space: space.name,
          ...(controller && { controller: { config, weights: await controller.weights() } }),
          position: { step: queries, epoch: 0, round: round + 1 },
          state: { dryRounds },
        });
      };

      const { dryRounds = 0 } = (checkpoint?.state ?? {}) as { dryRounds?: number };
      let stopped = false;
      const stop = options.stop.pipe(
        tap(() => {
          stopped = true;
        }),
      );
      let end: RoundRow | undefined;
      await lastValueFrom(
        search({
          searcher,
          benchmark,
          pool,
          budget: settings.queries,
          seconds: settings.seconds,
          rounds: settings.rounds,
          patience: settings.patience,
          firstRound: checkpoint?.position.round ?? 0,
          dryRounds,
          checkpoint: save,
        }).pipe(
          takeUntil(stop),
          tap((event) => {
            if (event.event === 'round') end = event.row;
            else
              run.append(
                event.event,
                event.row as EventRow<'query'> &
                  EventRow<'warning'> &
                  EventRow<'train'> &
                  EventRow<'proposal'>,
              );
            if (event.event === 'warning') options.onNote?.(event.row.message);
            options.onRow?.(event);
          }),
          defaultIfEmpty(undefined),
        ),
      );

      const last = pool.rows.at(-1);
      const queriesToBest = last
        ? pool.rows.find(
            (row) => row.best_test === last.best_test && row.best_validation === last.best_validation,
          )!.query
        : 0;
      const dry = (end?.dryRounds ?? dryRounds) >= settings.patience;
      const result = {
        dir: run.dir,
        searcher: spec.name,
        protocol,
        queries: pool.size,
        queriesToBest,
        dry,
        ...given({ last }),
      };
      if (controller && !stopped) {
        const cells = Uint32Array.from(pool.rows, ({ cell }) => cell);
        await lastValueFrom(
          embedCells({ space, controller, cells }).pipe(
            takeUntil(stop),
            record({ run, event: 'embedding' }),
            defaultIfEmpty(undefined),
          ),
        );
      }
      if (stopped) {
        await run.finish('interrupted');
        return { ...result, status: 'interrupted' as const };
      }
      await run.finish('done', {
        protocol,
        queries: pool.size,
        queriesToBest,
        dry,
        ...(last && {
          best_validation: last.best_validation,
          best_test: last.best_test,
          regret: last.regret,
          rank: last.rank,
        }),
      });
      return { ...result, status: 'done' as const };
    });
  } finally {
    controller?.dispose();
    await engine?.dispose();
  }
}

/** Weights of the pretrained controller, or none. */
export function startingWeights(
  { controller: path, searcher }: SearchSettings,
  { space }: Benchmark,
  { onNote }: Pick<JobOptions<SearchEvent>, 'onNote'>,
) {
  if (path === undefined || !learns(findNamed('searcher', searchers, searcher))) return undefined;
  const { checkpoint, warnings } = controllerCheckpoint(path);
  for (const warning of warnings) onNote?.(warning);
  if (checkpoint.space !== space.name) {
    throw dataError(
      `the controller in ${path} was made for ${checkpoint.space}, the benchmark is of ${space.name}`,
      `pretrain one with --space ${space.name}`,
    );
  }
  return checkpoint.controller.weights;
}

/** The queries that a resumed run has logged up to its checkpoint. */
function* loggedQueries(dir: string): Generator<QueryRow> {
  for (const { batch } of openRun(dir).records({ events: ['query'] }))
    yield* rowsOf(batch) as Generator<QueryRow>;
}
