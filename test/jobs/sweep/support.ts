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
