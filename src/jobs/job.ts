import type { Observable } from 'rxjs';
import { TrainingDiverged } from '../core/controller/diverged.js';
import { firstNonFinite } from '../core/controller/weights.js';
import { given } from '../core/given.js';
import {
  type CreateRunOptions,
  checkpointFiles,
  type Manifest,
  type OnAppend,
  type Run,
  type RunStatus,
  readCheckpoint,
} from '../core/run/index.js';

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

/** Where a new run goes, what is said about it, and who watches its rows. */
export const place = ({
  root,
  out,
  tags,
  note,
  onAppend,
}: Partial<JobOptions<never>>): Pick<CreateRunOptions, 'root' | 'out' | 'tags' | 'note' | 'onAppend'> =>
  given({ root, out, tags, note, onAppend });

/** What the work of a run is known by on other machines: the same when it is resumed, another one for another run in the same folder. */
export const workName = ({ id, created }: Pick<Manifest, 'id' | 'created'>): string =>
  `${id}-${Date.parse(created).toString(36)}`;

/**
 * Does the work of a run; where it fails, the run is marked as failed and given free, with all that was logged. Where training diverged
 * the error names the checkpoint to go back to.
 */
export async function withRun<T>(run: Run, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await run.finish('failed').catch(() => {}); // the first error says more
    if (error instanceof TrainingDiverged) error.message += `; ${lastGoodCheckpoint(run.dir)}`;
    throw error;
  }
}

/** The newest checkpoint that can be read and whose weights are all finite, for a message. */
function lastGoodCheckpoint(dir: string): string {
  for (const file of checkpointFiles(dir)) {
    try {
      const { controller, position } = readCheckpoint(file);
      if (!controller || firstNonFinite(controller.weights)) continue;
      const place =
        position.round > 0 ? `after round ${position.round - 1}` : `after step ${position.step - 1}`;
      return `the last good checkpoint is ${file}, ${place}`;
    } catch {
      // A damaged one is no good one.
    }
  }
  return 'no checkpoint had been written yet';
}
