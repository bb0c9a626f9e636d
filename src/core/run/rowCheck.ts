import { DataType, type Field, Precision, type RecordBatch } from 'apache-arrow';
import { type Columns, isDetermined, rowsOf } from '../batch/index.js';
import type { StoredRun } from './run.js';

/** The first place at which a run that is computed again differs from the logged one. */
export interface Difference {
  event: string;
  /** Number of the row among the rows of its event, from 0. */
  row: number;
  /** Column whose values differ, and which; absent where a whole row is there on one side only, or is one of another event. */
  column?: string;
  /** What the log has: a value, or the event; undefined where its rows have ended. */
  logged: unknown;
  /** What was computed now, in the same way. */
  computed: unknown;
}

/** Thrown by {@link RowCheck.check}. */
export class RowsDiffer extends Error {
  override readonly name = 'RowsDiffer';
  constructor(readonly difference: Difference) {
    super(`row ${difference.row} of '${difference.event}' differs`);
  }
}

interface LoggedRow {
  event: string;
  row: number;
  values: Record<string, unknown>;
  fields: readonly Field[];
}

/**
 * Compares rows, as they are computed, with those of a stored run, in the order in which they were logged; rows that need not be
 * equal in equal runs (`isDetermined`) are passed over on both sides. Holds one record in memory.
 *
 * With a tolerance, floating-point values may differ by |a − b| ≤ tolerance · max(1, |a|, |b|); all else has to be equal. Without,
 * every bit has to be (all NaNs are equal).
 */
export class RowCheck {
  readonly #rows: Iterator<LoggedRow>;
  readonly #tolerance: number;
  readonly #complete: boolean;
  #next: LoggedRow | undefined;
  #counts = new Map<string, number>();
  #largest = 0;

  /** Throws exit code 3 where the log cannot be read. */
  constructor(stored: StoredRun, { tolerance = 0 }: { tolerance?: number } = {}) {
    this.#rows = loggedRows(stored);
    this.#tolerance = tolerance;
    this.#complete = stored.manifest.status === 'done';
    this.#advance();
  }

  /** Rows compared so far, by event. */
  get compared(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Whether all logged rows were compared. */
  get atEnd(): boolean {
    return this.#next === undefined;
  }

  /** Largest |a − b| / max(1, |a|, |b|) of the floating-point values compared so far. */
  get largestDeviation(): number {
    return this.#largest;
  }

  /** Compare rows that were computed, whole or in batches. Throws {@link RowsDiffer} at the first that differs. */
  check(event: string, rows: RecordBatch | readonly object[]): void {
    if (!isDetermined(event)) return;
    const list = Array.isArray(rows) ? rows : rowsOf(rows as RecordBatch<Columns>);
    for (const row of list) this.#checkRow(event, row as Record<string, unknown>);
  }

  /** Throws {@link RowsDiffer} where rows were logged that were not computed. */
  end(): void {
    if (!this.#next) return;
    const { event, row } = this.#next;
    throw new RowsDiffer({ event, row, logged: event, computed: undefined });
  }

  #checkRow(event: string, computed: Record<string, unknown>): void {
    const logged = this.#next;
    const row = this.#counts.get(event) ?? 0;
    if (!logged) {
      // Of a run that was stopped, the log ends before the computation does.
      if (!this.#complete) return;
      throw new RowsDiffer({ event, row, logged: undefined, computed: event });
    }
    if (logged.event !== event) {
      throw new RowsDiffer({ event: logged.event, row: logged.row, logged: logged.event, computed: event });
    }
    for (const { name, type } of logged.fields) {
      const [a, b] = [logged.values[name], computed[name]];
      if (!this.#agree(a, b, type)) {
        throw new RowsDiffer({ event, row, column: name, logged: a, computed: b });
      }
    }
    this.#counts.set(event, row + 1);
    this.#advance();
  }

  #agree(a: unknown, b: unknown, type: DataType): boolean {
    if (DataType.isFixedSizeList(type)) {
      const [list, other] = [a as ArrayLike<number>, b as ArrayLike<number> | undefined];
      if (other?.length !== list.length) return false;
      const item = type.children[0]!.type;
      for (let i = 0; i < list.length; i++) if (!this.#agree(list[i], other[i], item)) return false;
      return true;
    }
    if (!DataType.isFloat(type)) return Object.is(a, b);
    // What a column of float32 would hold of it.
    return this.#close(
      a as number,
      type.precision === Precision.SINGLE ? Math.fround(b as number) : (b as number),
    );
  }

  #close(a: number, b: number): boolean {
    if (Object.is(a, b)) return true;
    const deviation = Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b));
    if (!(deviation <= this.#tolerance)) return false;
    this.#largest = Math.max(this.#largest, deviation);
    return true;
  }

  #advance(): void {
    const next = this.#rows.next();
    this.#next = next.done ? undefined : next.value;
  }

  /** Closes the log. */
  close(): void {
    this.#rows.return?.();
  }
}

function* loggedRows(stored: StoredRun): Generator<LoggedRow> {
  for (const { event, batch, row } of stored.records()) {
    if (!isDetermined(event)) continue;
    let index = row;
    for (const values of rowsOf(batch)) {
      yield { event, row: index++, values: values as Record<string, unknown>, fields: batch.schema.fields };
    }
  }
}
