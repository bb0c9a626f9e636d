import { type RxnasError, usageError, withoutSecrets } from '../errors.js';

/** Where something stands. */
export interface Place {
  /** File, or what stands in its place (`--set batch.rows=256`). */
  readonly file: string;
  /** From 1; 0 where there are no lines. */
  readonly line: number;
  /** From 1; 0 where there are no lines. */
  readonly column: number;
}

/** `file:line:column`. */
export const textOf = ({ file, line, column }: Place): string =>
  line === 0 ? file : `${file}:${line}:${column}`;

/** Where the reader stands, before any file. */
export const nowhere: Place = { file: '', line: 0, column: 0 };

/** Something that is wrong with a spec. */
export interface Problem {
  readonly place: Place;
  /** What is wrong, naming the field or stage. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** What was found wrong with a spec so far. */
export class Problems {
  readonly #found: Problem[] = [];

  add(at: Place, what: string, hint: string): void {
    const place = { ...at, file: withoutSecrets(at.file) }; // `--set server=…` stands in for a file
    const message = withoutSecrets(what);
    // An alias or a base file that is used twice has its faults once.
    const known = this.#found.some(
      (each) => each.message === message && textOf(each.place) === textOf(place),
    );
    if (!known) this.#found.push({ place, message, hint });
  }

  get size(): number {
    return this.#found.length;
  }

  /** By file, line and column. */
  list(): Problem[] {
    const files = [...new Set(this.#found.map(({ place }) => place.file))];
    return this.#found.toSorted(
      (a, b) =>
        files.indexOf(a.place.file) - files.indexOf(b.place.file) ||
        a.place.line - b.place.line ||
        a.place.column - b.place.column,
    );
  }

  /** The usage error (exit code 2) for the first problem, or undefined where there is none. */
  error(): RxnasError | undefined {
    const [first, ...more] = this.list();
    if (!first) return undefined;
    const rest = more.length > 0 ? ` (and ${more.length} more: rxnas lint ${first.place.file})` : '';
    const at = first.place.file === nowhere.file ? '' : `${textOf(first.place)}: `;
    return usageError(`${at}${first.message}${rest}`, first.hint);
  }

  /** Throws {@link error} where there is one. */
  throwFirst(): void {
    const error = this.error();
    if (error) throw error;
  }
}
