import type { Credit } from './backpressure.js';
import type { EventRow } from './batch/index.js';

/** What one stage has handled so far. Times in milliseconds. */
export interface StageCounts {
  readonly stage: string;
  rowsIn: number;
  rowsOut: number;
  /** In the stage itself: computing, or with an item that is out of its hands (a worker, a file). */
  time: number;
  /** Where it is a source that waits for credit. */
  credit?: Credit;
}

/**
 * The counters of the stages of one run. A stage is known by an object of the caller's, so that what is made anew each round goes on counting
 * where the last one left off.
 */
export class StageMeters {
  readonly #stages = new Map<object, StageCounts>();

  /** The counters of a stage. A second stage of the same name is called `name 2`. */
  of(stage: object, name: string): StageCounts {
    let counts = this.#stages.get(stage);
    if (!counts) {
      const same = [...this.#stages.values()].filter(
        (each) => each.stage.replace(/ \d+$/, '') === name,
      ).length;
      counts = { stage: same === 0 ? name : `${name} ${same + 1}`, rowsIn: 0, rowsOut: 0, time: 0 };
      this.#stages.set(stage, counts);
    }
    return counts;
  }

  /** Rows of the `stage` event, in the order in which the stages were made. */
  rows(): EventRow<'stage'>[] {
    return [...this.#stages.values()].map(({ stage, rowsIn, rowsOut, time, credit }) => ({
      stage,
      in: rowsIn,
      out: rowsOut,
      buffered: credit?.peak ?? 0,
      dropped: credit?.dropped ?? 0,
      seconds: (credit ? credit.produced : time) / 1000,
      waiting: (credit?.waited ?? 0) / 1000,
    }));
  }
}
