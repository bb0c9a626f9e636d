import { availableParallelism } from 'node:os';
import { defaultIfEmpty, from, lastValueFrom, skip, takeUntil, tap } from 'rxjs';
import { type EventRow, rowsOf } from '../core/batch/index.js';
import { openBenchmark } from '../core/benchmark/index.js';
import { createRun, type JsonValue, openRun, resumeRun } from '../core/run/index.js';
import type { Protocol, QueryRow } from '../core/search/pool.js';
import { type MeanInterval, meanInterval } from '../core/statistics/bootstrap.js';
import { holm } from '../core/statistics/holm.js';
import { mannWhitney } from '../core/statistics/mannWhitney.js';
import type { Executor } from '../core/work/executor.js';
import { ProcessExecutor } from '../core/work/processExecutor.js';
import { besideModule } from '../core/workers.js';
import { inOrder } from '../operators/inOrder.js';
import { searchers } from '../pipelines/searchers/index.js';
import type { Entry } from './entry.js';
import { type JobOptions, type JobResult, place, withRun } from './job.js';
import { entriesOf, resolveSweep, type SweepSettings, searcherOf } from './sweepSettings.js';

/** One search of a sweep that is finished. */
export interface SweepRow {
  /** Searcher as the sweep names it. */
  label: string;
  seed: number;
  /** Its last query, whose `best_*` are those of the search; absent where nothing was queried. */
  last?: QueryRow;
}

/** How one searcher of a sweep did. Accuracies and regrets are fractions. */
export interface SearcherSummary {
  searcher: string;
  /** Searches that are finished. */
  seeds: number;
  /** Queries made, mean. */
  queries: number;
  test: MeanInterval;
  validation: number;
  regret: number;
  /** Median rank of the cell that was found; 0 where ranks are not known. */
  rank: number;
  /**
   * Mann–Whitney test that its final test accuracies are those of the best baseline, corrected (Holm) for the number of searchers that are
   * tested; absent for that baseline itself and where there is none.
   */
  p?: number;
}

export interface SweepResult extends JobResult {
  protocol: Protocol;
  /** In the order in which they were named. */
  searchers: SearcherSummary[];
  /** The best of random, evolution and local search, where one took part. */
  baseline?: string;
}

export interface SweepOptions extends JobOptions<SweepRow> {
  /** Where the searches are carried out; default: processes of this machine, which are ended with the sweep. */
  executor?: Executor<Entry, QueryRow[]>;
  /** Processes; default: one for each processor. */
  workers?: number;
}

/** Runs searches side by side and writes one run: a row for each query of each search, in the order of the searches. */
export async function sweepJob(
  settings: Record<string, unknown>,
  options: SweepOptions,
): Promise<SweepResult> {
  return runSweep(resolveSweep(settings), options);
}

/** Goes on with a sweep that was stopped: searches that were finished are kept. */
export async function resumeSweep(dir: string, options: SweepOptions): Promise<SweepResult> {
  const resumed = await resumeRun(dir);
  try {
    return await runSweep(
      resolveSweep(resumed.run.manifest.spec as Record<string, unknown>),
      options,
      resumed,
    );
  } finally {
    resumed.run.close();
  }
}

/** Checkpoints cost a flush to the disk, and a search may take milliseconds. */
const checkpointEvery = 1000;

async function runSweep(
  settings: SweepSettings,
  options: SweepOptions,
  resumed?: Awaited<ReturnType<typeof resumeRun>>,
): Promise<SweepResult> {
  const { protocol, seed } = settings;
  // A benchmark that cannot be opened is reported before anything is written.
  const benchmark = await openBenchmark(settings.benchmark);
  await benchmark.close?.();
  const run =
    resumed?.run ??
    (await createRun({
      kind: 'sweep',
      ...place(options as JobOptions<never>),
      spec: settings as unknown as JsonValue,
      seed,
      data: benchmark.data ?? {},
    }));
  for (const warning of resumed?.warnings ?? []) options.onNote?.(warning);

  return withRun(run, async () => {
    const executor = options.executor ?? searchProcesses(options.workers ?? availableParallelism());
    let done = resumed?.checkpoint?.position.step ?? 0;
    for (const row of done > 0 ? lastRows(run.dir) : []) options.onRow?.(row);
    const save = () =>
      run.checkpoint({ space: benchmark.space.name, position: { step: done, epoch: 0, round: 0 } });
    let saved = performance.now();
    let stopped = false;
    try {
      await lastValueFrom(
        from(entriesOf(settings)).pipe(
          skip(done),
          inOrder(executor.slots, async ({ label, entry }) => ({
            label,
            seed: entry.seed,
            rows: await executor.run(entry),
          })),
          takeUntil(options.stop.pipe(tap(() => (stopped = true)))),
          inOrder(1, async ({ label, seed, rows }) => {
            const results = rows.map(
              (row): EventRow<'result'> => ({ ...row, searcher: label, seed, protocol }),
            );
            run.append('result', results);
            done++;
            if (performance.now() - saved > checkpointEvery) {
              await save();
              saved = performance.now();
            }
            const last = rows.at(-1);
            options.onRow?.({ label, seed, ...(last && { last }) });
          }),
          defaultIfEmpty(undefined),
        ),
      );
    } finally {
      if (!options.executor) await executor.close();
    }
    await save();
    run.flush();
    const summary = summarize(settings, [...lastRows(run.dir)]);
    const result = { dir: run.dir, protocol, ...summary };
    if (stopped) {
      await run.finish('interrupted');
      return { ...result, status: 'interrupted' as const };
    }
    await run.finish('done', { protocol, ...summary } as unknown as Record<string, JsonValue>);
    return { ...result, status: 'done' as const };
  });
}

const searchProcesses = (slots: number) =>
  new ProcessExecutor<Entry, QueryRow[]>({
    script: besideModule(import.meta.url, './entryProcess.js'),
    slots,
    attempts: 2,
    describe: ({ searcher, seed }) => `the search ${searcher} with seed ${seed}`,
  });

/** The last row of each search that the sweep has logged, in the order of the log. */
function* lastRows(dir: string): Generator<SweepRow> {
  let last: EventRow<'result'> | undefined;
  const rowOf = ({ searcher, seed, ...row }: EventRow<'result'>): SweepRow => ({
    label: searcher,
    seed,
    last: { ...row, searcher } as QueryRow,
  });
  for (const { batch } of openRun(dir).records({ events: ['result'] })) {
    for (const row of rowsOf(batch) as Generator<EventRow<'result'>>) {
      if (last && row.query === 1) yield rowOf(last);
      last = row;
    }
  }
  if (last) yield rowOf(last);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** How the searchers of a sweep did, and which of them are other than the best baseline. */
function summarize(
  { searchers: labels }: SweepSettings,
  rows: readonly SweepRow[],
): Pick<SweepResult, 'searchers' | 'baseline'> {
  const finals = labels.map((label) => rows.flatMap((row) => (row.label === label ? (row.last ?? []) : [])));
  const tests = finals.map((own) => own.map(({ best_test }) => best_test));
  const summaries = labels.map((searcher, i): SearcherSummary => {
    const own = finals[i]!;
    const ranks = own.map(({ rank }) => rank).sort((a, b) => a - b);
    return {
      searcher,
      seeds: own.length,
      queries: mean(own.map(({ query }) => query)),
      test: meanInterval(tests[i]!),
      validation: mean(own.map(({ best_validation }) => best_validation)),
      regret: mean(own.map(({ regret }) => regret)),
      rank: ranks[ranks.length >> 1] ?? 0,
    };
  });

  const isBaseline = (label: string) => searchers.some((s) => s.baseline && s.name === searcherOf(label));
  const [best] = summaries
    .map(({ test, searcher }, index) => ({ index, mean: test.mean, searcher }))
    .filter(({ searcher, mean }) => isBaseline(searcher) && !Number.isNaN(mean))
    .sort((a, b) => b.mean - a.mean);
  if (!best) return { searchers: summaries };
  const others = [...labels.keys()].filter((index) => index !== best.index);
  const p = holm(others.map((index) => mannWhitney(tests[index]!, tests[best.index]!)));
  others.forEach((index, k) => {
    summaries[index]!.p = p[k]!;
  });
  return { searchers: summaries, baseline: best.searcher };
}
