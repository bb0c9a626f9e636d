/**
 * The newest state of what is shown, in sections that change each for itself. Only the newest of each is kept, so that whoever is slow
 * misses what lies between and never what is.
 */
export class Latest<S extends object> {
  /** By section: its newest value as JSON, and the version with which it came. */
  readonly #sections = new Map<string, { json: string; version: number }>();
  #version = 0;

  /** Counts the changes. */
  get version(): number {
    return this.#version;
  }

  /** Sections that have changed; those that are equal to what they were count as unchanged. */
  set(changes: Partial<S>): void {
    const version = this.#version + 1;
    for (const [name, value] of Object.entries(changes)) {
      const json = JSON.stringify(value, withoutNaN)?.replaceAll('<', '\\u003c'); // also inside <script>
      if (json === undefined || this.#sections.get(name)?.json === json) continue;
      this.#sections.set(name, { json, version });
      this.#version = version;
    }
  }

  /** The sections that have changed after a version, as a JSON object; undefined where none has. */
  since(version: number): string | undefined {
    const changed = [...this.#sections].filter(([, section]) => section.version > version);
    if (changed.length === 0) return undefined;
    return `{${changed.map(([name, { json }]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
  }
}

/** JSON has no NaN and no infinities: null stands for them. */
const withoutNaN = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? null : value;
