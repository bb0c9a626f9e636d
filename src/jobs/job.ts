import type { Observable } from 'rxjs';
import { type ControllerConfig, nasbench101Controller } from '../core/controller/config.js';
import type { CreateRunOptions, Run, RunStatus } from '../core/run/index.js';
import type { Space } from '../core/space/index.js';

/** Where a job writes and who watches it. */
export interface JobOptions<Row> {
  /** Folder of all runs; default `runs`. */
  root?: string;
  /** The run's own folder instead. */
  out?: string;
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

/** Where a new run goes. */
export const place = ({
  root,
  out,
}: {
  root?: string;
  out?: string;
}): Pick<CreateRunOptions, 'root' | 'out'> => ({
  ...(root !== undefined && { root }),
  ...(out !== undefined && { out }),
});

/** Does the work of a run; where it fails, the run is marked as failed and given free, with all that was logged. */
export async function withRun<T>(run: Run, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await run.finish('failed').catch(() => {}); // the first error says more
    throw error;
  }
}
