import { join } from 'node:path';
import { isRun, type LogRecord, type Manifest, readManifest, type StoredRun } from '../../core/run/index.js';
import { spaceOf } from '../../pipelines/fromSpec/index.js';
import type { Sweep } from '../../pipelines/fromSpec/sweep.js';
import type { Progress } from '../../report/model.js';
import type { RunRows } from '../../report/runRows.js';
import { hasModules, isSweep, specOfRun, sweepOfRun } from '../kinds.js';
import { amountsOf } from '../specJob.js';
import { tasksOf } from '../sweep/tasks.js';

type Unit = Progress['unit'];

/** What a run will do. */
interface Plan {
  totals: Partial<Record<Unit, number>>;
  /** Folders of a sweep's pretrainings, which are runs of their own. */
  pretrainings: string[];
  sweep?: Sweep;
}

/** Milliseconds of the newest rows over which the rate is measured. */
const window = 30_000;

/** How far a run is, and how long the rest takes at the rate at which rows are logged. */
export class RunProgress {
  /** When how much had been done, oldest first: of the window, and the newest two in any case. */
  readonly #marks: { time: number; done: number }[] = [];
  readonly #made = new Set<string>();

  private constructor(readonly plan: Plan) {}

  /** The sweep, where the run is one. */
  get sweep(): Sweep | undefined {
    return this.plan.sweep;
  }

  static async of(run: StoredRun): Promise<RunProgress> {
    return new RunProgress(await planOf(run));
  }

  /** Whether there is progress that no row tells of; {@link look} sees it. */
  get isHidden(): boolean {
    return this.#made.size < this.plan.pretrainings.length;
  }

  look(): void {
    for (const dir of this.plan.pretrainings) {
      if (!this.#made.has(dir) && isDone(dir)) this.#made.add(dir);
    }
  }

  /** Told of each record when its rows have been added. */
  mark({ time }: Pick<LogRecord, 'time'>, rows: RunRows): void {
    const marks = this.#marks;
    marks.push({ time, done: this.#done(rows)?.done ?? 0 });
    while (marks.length > 2 && marks[0]!.time < time - window) marks.shift();
  }

  /** Empty where nothing is counted. */
  progress(rows: RunRows): Progress[] {
    const { totals, pretrainings } = this.plan;
    const made: Progress[] =
      pretrainings.length > 0
        ? [
            {
              ...{ unit: 'pretrainings', done: this.#made.size, total: pretrainings.length },
              ...{ rate: null, left: null },
            },
          ]
        : [];
    const { done, unit } = this.#done(rows) ?? {};
    if (done === undefined || unit === undefined) return made;
    const total = totals[unit] ?? Number.POSITIVE_INFINITY;
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    const rate = first && last ? (1000 * (last.done - first.done)) / (last.time - first.time) : Number.NaN;
    const left = (total - done) / rate;
    const known = (value: number) => (Number.isFinite(value) && value >= 0 ? value : null);
    return [...made, { unit, done, total: known(total), rate: known(rate), left: known(left) }];
  }

  /** What is counted: the searches of a sweep, the queries of a search, else steps. */
  #done({ steps, searches }: RunRows): { unit: Unit; done: number } | undefined {
    if (this.plan.totals.searches !== undefined) return { unit: 'searches', done: searches.length };
    if (searches.length > 0) {
      return { unit: 'queries', done: searches.reduce((sum, { rows }) => sum + rows.length, 0) };
    }
    return steps.step.length > 0 ? { unit: 'steps', done: steps.step.at(-1)! + 1 } : undefined;
  }
}

/** What its spec says that a run will do; nothing is known of one with modules of its own. */
async function planOf({ dir, manifest }: StoredRun): Promise<Plan> {
  const none: Plan = { totals: {}, pretrainings: [] };
  if (hasModules(manifest)) return none;
  try {
    return isSweep(manifest) ? await planOfSweep(dir, manifest) : await planOfSpec(manifest);
  } catch {
    return none; // of a kind that this rxnas cannot compute; its rows can be shown
  }
}

async function planOfSweep(dir: string, manifest: Manifest): Promise<Plan> {
  const sweep = await sweepOfRun(manifest);
  const { pretrainings, searches } = tasksOf(sweep);
  return {
    sweep,
    totals: { searches: searches.length },
    pretrainings: pretrainings.map(({ name }) => join(dir, name)),
  };
}

async function planOfSpec(manifest: Manifest): Promise<Plan> {
  const { spec, registry } = await specOfRun(manifest);
  const totals: Plan['totals'] = {};
  for (const { unit, total } of amountsOf(spec, spaceOf(spec, registry))) {
    if (unit === 'cells') continue; // no row of the report tells of them
    totals[unit] = (totals[unit] ?? 0) + total;
  }
  return { totals, pretrainings: [] };
}

function isDone(dir: string): boolean {
  try {
    return isRun(dir) && readManifest(dir).status === 'done';
  } catch {
    return false; // a folder that cannot be read is the business of the sweep
  }
}
