import { Observable, type OperatorFunction } from 'rxjs';
import { failure } from '../core/errors.js';
import type { StageCounts } from '../core/meter.js';
import { itemFault, rowsIn } from '../core/spec/checkItem.js';
import type { ColumnTypes } from '../core/spec/component.js';

export interface MeteredOptions {
  counts: StageCounts;
  /** Columns that the stage has declared; each item that leaves it is checked against them. Default: none. */
  columns?: ColumnTypes | undefined;
}

/**
 * A stage, counted: rows in and out, and the time in it without that of the stages before and behind. What it gives is held against the
 * columns that it has declared; where one is missing or of another type, the stream fails with exit code 1, naming stage, row and column.
 *
 * Time is told apart by who holds the thread: while the stage takes an item it is the stage's, but for what its outputs set off downstream.
 * An output that comes by itself ends a time of waiting (for a worker, a file) that began with the last item that went in or came out.
 *
 *     in       a-----b---|
 *     out      --a-----b-|
 *     counted  ==    ==        (the stage's own time)
 */
export function metered<T, R>(
  { counts, columns }: MeteredOptions,
  stage: OperatorFunction<T, R>,
): OperatorFunction<T, R> {
  return (source) => {
    const clock = new Clock(counts);
    const input = new Observable<T>((subscriber) =>
      source.subscribe({
        next(item) {
          counts.rowsIn += rowsIn(item);
          clock.enter(() => subscriber.next(item));
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    );
    return checked(input.pipe(stage), clock, { counts, columns });
  };
}

/** A source, counted and checked like a stage. */
export const meteredSource = <R>(options: MeteredOptions, source: Observable<R>): Observable<R> =>
  new Observable((subscriber) => checked(source, new Clock(options.counts), options).subscribe(subscriber));

function checked<R>(output: Observable<R>, clock: Clock, { counts, columns }: MeteredOptions): Observable<R> {
  const isChecked = columns !== undefined && Object.keys(columns).length > 0;
  return new Observable((subscriber) =>
    output.subscribe({
      next(item) {
        const fault = isChecked ? itemFault(item, columns) : undefined;
        if (fault) {
          subscriber.error(brokenSchema(counts, fault));
          return;
        }
        counts.rowsOut += rowsIn(item);
        clock.leave(() => subscriber.next(item));
      },
      error: (error) => subscriber.error(error),
      complete: () => subscriber.complete(),
    }),
  );
}

const brokenSchema = (
  { stage, rowsOut }: StageCounts,
  { row, column, what }: { row: number; column: string; what: string },
) =>
  failure(
    `stage '${stage}' breaks the schema that it declares: row ${rowsOut + row}, column '${column}' ${what}`,
    `correct the operator, or the \`output\` of its description (\`rxnas describe ${stage.replace(/ \d+$/, '')}\`)`,
  );

/** Divides time between a stage and what it calls. */
class Clock {
  #since = performance.now();
  #inside = false;
  /** Spent downstream of the stage since it was made. */
  #downstream = 0;

  constructor(readonly counts: StageCounts) {}

  /** The stage takes an item. */
  enter(work: () => void): void {
    const began = performance.now();
    const before = this.#downstream;
    const was = this.#inside;
    this.#inside = true;
    try {
      work();
    } finally {
      this.#inside = was;
      this.#since = performance.now();
      this.counts.time += this.#since - began - (this.#downstream - before);
    }
  }

  /** The stage gives an item on. */
  leave(work: () => void): void {
    const began = performance.now();
    const before = this.#downstream;
    const was = this.#inside;
    if (!was) this.counts.time += began - this.#since;
    this.#inside = false;
    try {
      work();
    } finally {
      this.#inside = was;
      this.#since = performance.now();
      this.#downstream = before + this.#since - began; // what came back into the stage meanwhile is in it
    }
  }
}
