import { join } from 'node:path';
import { RxnasError } from '../../core/errors.js';
import { isRun, openRun, type RunState, readManifest, runState } from '../../core/run/index.js';
import type { Sweep } from '../../pipelines/fromSpec/sweep.js';
import { checkBenchmarks } from './benchmarks.js';
import type { SweepResult } from './job.js';
import { loggedOutcomes, outcomeOf } from './outcome.js';
import { WaitingSearches } from './store.js';
import { summarise } from './summary.js';
import { tasksOf } from './tasks.js';

/** How a sweep stands, whether or not a process is at it: what is finished so far, as it would be summarised at its end. */
export async function sweepStanding(
  dir: string,
  sweep: Sweep,
): Promise<Omit<SweepResult, 'status'> & { status: RunState }> {
  const { manifest } = openRun(dir);
  const { pretrainings, searches } = tasksOf(sweep);
  const outcomes = loggedOutcomes(dir);
  const waiting = new WaitingSearches(dir);
  for (const index of waiting.places()) {
    if (index < outcomes.length) continue;
    try {
      outcomes.push(outcomeOf(waiting.rows(index)));
    } catch {
      // Logged and taken away meanwhile.
    }
  }
  const isDone = (name: string) => {
    const folder = join(dir, name);
    return isRun(folder) && readManifest(folder).status === 'done';
  };
  return {
    dir,
    name: sweep.name,
    status: runState(dir, manifest),
    summary: summarise(sweep, outcomes),
    provenance: await provenanceOf(sweep),
    progress: {
      pretrainings: {
        done: pretrainings.filter(({ name }) => isDone(name)).length,
        all: pretrainings.length,
      },
      searches: { done: outcomes.length, all: searches.length },
    },
  };
}

/** Nothing where a benchmark is not there any more: what was found with it can still be shown. */
async function provenanceOf(sweep: Sweep): Promise<Record<string, string>> {
  try {
    return (await checkBenchmarks(sweep, () => {})).provenance;
  } catch (error) {
    if (error instanceof RxnasError) return {};
    throw error;
  }
}
