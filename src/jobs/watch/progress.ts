import type { LogRecord, Manifest } from '../../core/run/index.js';
import { spaceOf } from '../../pipelines/fromSpec/index.js';
import type { ResolvedSweep } from '../../pipelines/fromSpec/sweep.js';
import type { Progress } from '../../report/model.js';
import type { RunRows } from '../../report/runRows.js';
import { isSweep, specOfRun } from '../kinds.js';
import { amountsOf } from '../specJob.js';

type Unit = Progress['unit'];
type Totals = Partial<Record<Unit, number>>;

/** Milliseconds of the newest rows over which the rate is measured. */
const window = 30_000;

/** How far a run is, and how long the rest takes at the rate at which rows are logged. */
export class RunProgress {
  /** When how much had been done, oldest first: of the window, and the newest two in any case. */
  readonly #marks: { time: number; done: number }[] = [];

  private constructor(readonly totals: Totals) {}

  static async of(manifest: Manifest): Promise<RunProgress> {
    return new RunProgress(await totalsOf(manifest));
  }

  /** Told of each record when its rows have been added. */
  mark({ time }: Pick<LogRecord, 'time'>, rows: RunRows): void {
    const marks = this.#marks;
    marks.push({ time, done: doneOf(rows)?.done ?? 0 });
    while (marks.length > 2 && marks[0]!.time < time - window) marks.shift();
  }

  /** Undefined where nothing is counted. */
  progress(rows: RunRows): Progress | undefined {
    const { done, unit } = doneOf(rows) ?? {};
    if (done === undefined || unit === undefined) return undefined;
    const total = this.totals[unit] ?? Number.POSITIVE_INFINITY;
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    const rate = first && last ? (1000 * (last.done - first.done)) / (last.time - first.time) : Number.NaN;
    const left = (total - done) / rate;
    const known = (value: number) => (Number.isFinite(value) && value >= 0 ? value : null);
    return { unit, done, total: known(total), rate: known(rate), left: known(left) };
  }
}

/** What is counted: the searches of a sweep, the queries of a search, else steps. */
function doneOf({ steps, searches }: RunRows): { unit: Unit; done: number } | undefined {
  if (searches.some(({ variant }) => variant !== undefined))
    return { unit: 'searches', done: searches.length };
  if (searches.length > 0) {
    return { unit: 'queries', done: searches.reduce((sum, { rows }) => sum + rows.length, 0) };
  }
  return steps.step.length > 0 ? { unit: 'steps', done: steps.step.at(-1)! + 1 } : undefined;
}

/** What a run will do, from its spec. One with modules of its own is not read, as that would run them: nothing is known of it. */
async function totalsOf(manifest: Manifest): Promise<Totals> {
  try {
    const spec = manifest.spec as Record<string, unknown>;
    if (isSweep(manifest)) {
      const { sweep, variants } = spec as unknown as ResolvedSweep;
      return { searches: Object.keys(variants).length * sweep.seeds * sweep.searchSeeds };
    }
    if ('use' in spec) return {};
    const read = await specOfRun(manifest);
    const totals: Totals = {};
    for (const { unit, total } of amountsOf(read.spec, spaceOf(read.spec, read.registry))) {
      totals[unit] = (totals[unit] ?? 0) + total;
    }
    return totals;
  } catch {
    return {}; // of a kind that this rxnas cannot compute; its rows can be shown
  }
}
