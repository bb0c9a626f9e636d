import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { merge, type Observable, Subject } from 'rxjs';
import { rowsOf } from '../core/batch/index.js';
import type { EngineName } from '../core/engine/engine.js';
import { given } from '../core/given.js';
import {
  type Difference,
  type JsonValue,
  openRun,
  RowCheck,
  RowsDiffer,
  type StoredRun,
} from '../core/run/index.js';
import { differences } from '../core/spec/differences.js';
import type { JobOptions } from './job.js';
import { isSweep, specOfRun, sweepOfRun } from './kinds.js';
import { engineOverride } from './settings.js';
import { specJob } from './specJob.js';
import { sweepJob } from './sweep/job.js';

/** Relative tolerance of floating-point columns where another engine computes than the one that logged. */
export const crossEngineTolerance = 1e-3;

export interface VerifyOptions {
  /** Engine that computes; default: the recorded one, with as many threads. */
  engine?: EngineName;
  /** Allowed |a − b| / max(1, |a|, |b|); default 0 with the recorded engine, else {@link crossEngineTolerance}. */
  tolerance?: number;
  /** Its first value gives up. */
  stop: Observable<unknown>;
  /** Told how many rows were compared. */
  onRows?: (compared: number) => void;
  onNote?: (line: string) => void;
}

export interface Verification {
  status: 'equal' | 'diverged' | 'interrupted';
  /** Rows compared, by event. */
  compared: Readonly<Record<string, number>>;
  engine: string;
  tolerance: number;
  /** Largest deviation that was let pass; 0 where all was equal to the bit. */
  largestDeviation: number;
  /** Where it diverged first. */
  difference?: Difference & { stage: string };
  /** What is not the same now as when the run was logged: `versions.node: "v20.1.0" then, "v22.0.0" now`. */
  changed: string[];
}

/** Which operator the rows of an event come from. */
const stages: Readonly<Record<string, string>> = {
  step: 'lossStep',
  train: 'trainOnPool',
  proposal: 'naoPropose',
  query: 'benchmarkLookup',
  embedding: 'embedCells',
  checkpoint: 'checkpoint',
};

/**
 * Computes a run anew in a temporary folder, with its recorded settings, engine and threads, and compares every row as it comes with the
 * logged one; stops at the first that differs. A run that was stopped is compared as far as it was logged. The run itself is only read.
 *
 * Throws exit code 3 where its log or a data set cannot be read, and whatever the computation throws.
 */
export async function verifyRun(folder: string, options: VerifyOptions): Promise<Verification> {
  const stored = openRun(folder);
  const { manifest } = stored;
  const engine = options.engine ?? (manifest.engine?.name as EngineName | undefined);
  const sameEngine = engine === manifest.engine?.name;
  const tolerance = options.tolerance ?? (sameEngine ? 0 : crossEngineTolerance);
  const threads = sameEngine ? manifest.engine?.threads : undefined;
  const overrides = engine ? engineOverride(engine, threads) : [];
  const start = await (isSweep(manifest)
    ? sweepOfRun(manifest, options.engine ? overrides : []).then(
        (sweep) => (to: Omit<JobOptions<never>, 'onRow'>) => sweepJob(sweep, to),
      )
    : specOfRun(manifest, overrides).then(
        (read) => (to: Omit<JobOptions<never>, 'onRow'>) => specJob(read, to),
      ));

  const temporary = mkdtempSync(join(tmpdir(), 'rxnas-verify-'));
  const out = join(temporary, 'run');
  const check = new RowCheck(stored, { tolerance });
  const enough = new Subject<void>();
  let interrupted = false;
  const subscription = options.stop.subscribe(() => {
    interrupted = true;
  });
  const result = (status: Verification['status'], difference?: Difference): Verification => ({
    status,
    compared: check.compared,
    engine: engine ?? 'none',
    tolerance,
    largestDeviation: check.largestDeviation,
    ...(difference && { difference: { stage: stages[difference.event] ?? difference.event, ...difference } }),
    changed: changes(stored, out),
  });
  try {
    await start({
      out,
      stop: merge(options.stop, enough),
      ...given({ onNote: options.onNote }),
      onAppend(event, rows) {
        check.check(event, rows);
        options.onRows?.(Object.values(check.compared).reduce((sum, rows) => sum + rows, 0));
        if (check.atEnd && manifest.status !== 'done') enough.next();
      },
    });
    if (interrupted && !check.atEnd) return result('interrupted');
    check.end();
    const weights = manifest.status === 'done' && tolerance === 0 ? weightsDiffer(stored, out) : undefined;
    return weights ? result('diverged', weights) : result('equal');
  } catch (error) {
    if (error instanceof RowsDiffer) return result('diverged', error.difference);
    // A run that failed is to fail again, after the same rows.
    if (manifest.status === 'failed' && check.atEnd) return result('equal');
    throw error;
  } finally {
    subscription.unsubscribe();
    check.close();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The checksums of the final weights, where they differ although all rows are equal. */
function weightsDiffer(stored: StoredRun, out: string): Difference | undefined {
  const last = (run: StoredRun) => {
    let row = { step: 0, weights: 0 };
    for (const { batch } of run.records({ events: ['checkpoint'] })) {
      for (const each of rowsOf(batch)) row = each as unknown as typeof row;
    }
    return row;
  };
  const [logged, computed] = [last(stored), last(openRun(out))];
  if (logged.weights === computed.weights) return undefined;
  const where = { event: 'checkpoint', row: logged.step, column: 'weights' };
  return { ...where, logged: logged.weights, computed: computed.weights };
}

/** What the two manifests have that could make rows differ. */
function changes(stored: StoredRun, out: string): string[] {
  let now: ReturnType<typeof openRun>;
  try {
    now = openRun(out);
  } catch {
    return []; // it did not get so far
  }
  const facts = ({ manifest }: StoredRun) => {
    const { versions, data, engine, git } = manifest;
    return { versions, data, ...given({ engine, git }) } as unknown as Record<string, JsonValue>;
  };
  return differences([facts(stored), facts(now)]).map(
    ({ name, values: [then, is] }) => `${name}: ${JSON.stringify(then)} then, ${JSON.stringify(is)} now`,
  );
}
