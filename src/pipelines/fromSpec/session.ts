import { NEVER, type Observable } from 'rxjs';
import type { EventRow } from '../../core/batch/index.js';
import type { Benchmark } from '../../core/benchmark/index.js';
import type { Controller } from '../../core/engine/engine.js';
import type { StageMeters } from '../../core/meter.js';
import type { Run } from '../../core/run/index.js';
import type { Pool, QueryRow } from '../../core/search/pool.js';
import type { Space } from '../../core/space/index.js';
import type { Registry } from '../../core/spec/registry.js';
import type { Spec } from '../../core/spec/spec.js';
import type { StepRow } from '../../operators/lossStep.js';
import type { RoundRow } from '../rounds.js';

/** What the pipeline of a spec runs on. */
export interface Resources {
  space?: Space;
  benchmark?: Benchmark;
  controller?: Controller;
}

/** What lies around a running pipeline: the run folder, the person who stops it. All of it may be absent. */
export interface Host {
  run: Pick<Run, 'append'>;
  /** Its first value ends the sources; batches that are held are still worked on. */
  stop: Observable<unknown>;
  /** Told that a source was ended before it was through. */
  onStopped(): void;
  onWarning(row: EventRow<'warning'>): void;
  /** Makes the state after so many steps of a phase safe. */
  saveStep(steps: number): Promise<void>;
  /** The same at the end of a round. */
  saveRound(row: RoundRow): Promise<void>;
}

/** The surroundings of a pipeline that leaves nothing behind. */
export const noHost: Host = {
  run: { append() {} },
  stop: NEVER,
  onStopped() {},
  onWarning() {},
  async saveStep() {},
  async saveRound() {},
};

/** Where a phase begins: at 0, or where a checkpoint of a resumed run stood. */
export interface Start {
  /** Training steps done. */
  step: number;
  /** Rounds done, and rounds without a new cell up to then. */
  round: number;
  dryRounds: number;
  /** Rows that the run has logged before. */
  steps: Iterable<StepRow>;
  queries: Iterable<QueryRow>;
}

export const fromTheStart: Start = { step: 0, round: 0, dryRounds: 0, steps: [], queries: [] };

/** One running spec. */
export interface Session {
  readonly spec: Spec;
  readonly registry: Registry;
  readonly resources: Resources;
  readonly host: Host;
  /** What each stage has handled. */
  readonly meters: StageMeters;
  /** Queries of the newest search. */
  pool?: Pool;
  /** A source was ended before it was through. */
  stopped?: boolean;
  /** The newest round that ended. */
  round?: RoundRow;
}
