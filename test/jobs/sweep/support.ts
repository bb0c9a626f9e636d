import { type EventRow, rowsOf } from '../../../src/core/batch/index.js';
import { openRun } from '../../../src/core/run/index.js';
import type { Executor } from '../../../src/core/work/executor.js';
import { runUnit, type SweepUnit, type UnitOptions, type UnitResult } from '../../../src/jobs/sweep/unit.js';

/** Carries units out in this process; answers come in another order than they were asked for. */
export function here({ slots = 4, ...options }: UnitOptions & { slots?: number } = {}) {
  const asked: SweepUnit[] = [];
  const executor: Executor<SweepUnit, UnitResult> & { asked: SweepUnit[] } = {
    asked,
    slots,
    async run(unit) {
      asked.push(unit);
      await new Promise((resolve) => setTimeout(resolve, ((asked.length * 7) % 5) * 3));
      return runUnit(structuredClone(unit), options);
    },
    async close() {},
  };
  return executor;
}

/** The rows that a sweep has logged. */
export const resultRows = (dir: string): EventRow<'result'>[] =>
  [...openRun(dir).records({ events: ['result'] })].flatMap(
    ({ batch }) => [...rowsOf(batch)] as EventRow<'result'>[],
  );

/** A sweep of a second: two losses and random search on the embedded benchmark, two pretrainings of each and two searches on each. */
export const smallSweep = (setSearch: Record<string, unknown> = {}) => ({
  name: 'small',
  sweep: { losses: ['TripletMargin', 'NoMetric'], seeds: 2, searchSeeds: 2 },
  pretrain: {
    extends: 'pretrain',
    engine: 'simd',
    set: { 'anchors.steps': 4, 'batch.rows': 64, 'checkpoint.every': 2, 'embedCells.sample': 16 },
  },
  search: {
    extends: 'search',
    engine: 'simd',
    set: {
      ...{ 'rounds.searcher.nao.initial': 20, 'rounds.searcher.nao.perRound': 10 },
      ...{ 'rounds.searcher.nao.epochs': 1, 'rounds.most': 3, 'benchmarkLookup.budget': 40 },
      ...setSearch,
    },
  },
  variants: { Random: { pretrain: null, search: { set: { 'rounds.searcher': 'random' } } } },
});
