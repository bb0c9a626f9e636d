import type { Observable } from 'rxjs';
import { type ControllerConfig, nasbench101Controller } from '../core/controller/config.js';
import type { Engine, EngineName } from '../core/engine/engine.js';
import { openEngine } from '../core/engine/index.js';
import { given } from '../core/given.js';
import type { CreateRunOptions, OnAppend, Run, RunStatus } from '../core/run/index.js';
import type { Space } from '../core/space/index.js';

/** Where a job writes and who watches it. */
export interface JobOptions<Row> {
  /** Folder of all runs; default `runs`. */
  root?: string;
  /** The run's own folder instead. */
  out?: string;
  tags?: string[];
  note?: string;
  /** Told all rows before they are logged; see `CreateRunOptions`. */
  onAppend?: OnAppend;
  /** Its first value stops the job at the next safe point; the run can be resumed. */
  stop: Observable<unknown>;
  /** Told each row as it is logged. */
  onRow?: (row: Row) => void;
  /** Told what the person who watches should know. */
  onNote?: (line: string) => void;
}

/** How a job ended. */
export interface JobResult {
  /** Folder of the run. */
  dir: string;
  status: Exclude<RunStatus, 'running' | 'failed'>;
}

/** The paper's controller for a space. */
export const controllerConfig = (space: Space): ControllerConfig => ({
  ...nasbench101Controller,
  vocabulary: space.vocabulary,
  length: space.sequenceLength,
});

/** The engine of a run: of a resumed one the same with as many threads, which the bits depend on. */
export function engineFor(
  settings: { engine: EngineName | 'auto'; threads?: number | undefined },
  resumed?: { run: Run },
): Promise<Engine> {
  const { name, threads } = resumed?.run.manifest.engine ?? {
    name: settings.engine,
    threads: settings.threads,
  };
  return openEngine(name as typeof settings.engine, given({ threads }));
}

/** Where a new run goes, what is said about it, and who watches its rows. */
export const place = ({
  root,
  out,
  tags,
  note,
  onAppend,
}: Partial<JobOptions<never>>): Pick<CreateRunOptions, 'root' | 'out' | 'tags' | 'note' | 'onAppend'> =>
  given({ root, out, tags, note, onAppend });

/** Does the work of a run; where it fails, the run is marked as failed and given free, with all that was logged. */
export async function withRun<T>(run: Run, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await run.finish('failed').catch(() => {}); // the first error says more
    throw error;
  }
}
