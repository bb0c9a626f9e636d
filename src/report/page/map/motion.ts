export interface Places {
  x: Uint16Array;
  y: Uint16Array;
}

/** Milliseconds on the way. */
const duration = 900;

/** Places on their way from where they were to where they are now. */
export class Motion implements Places {
  readonly x: Uint16Array;
  readonly y: Uint16Array;
  readonly #from: Places;

  /** @param begun time of the first picture, in milliseconds */
  constructor(
    from: Places,
    readonly to: Places,
    readonly begun: number,
  ) {
    this.#from = { x: from.x.slice(), y: from.y.slice() };
    this.x = from.x.slice();
    this.y = from.y.slice();
  }

  /** Moves the places to where they are at a time. Returns whether they go on. */
  moveTo(time: number): boolean {
    const part = Math.min(1, Math.max(0, (time - this.begun) / duration));
    const done = part * part * (3 - 2 * part); // slow at both ends
    for (const axis of ['x', 'y'] as const) {
      const [from, to, now] = [this.#from[axis], this.to[axis], this[axis]];
      for (let i = 0; i < now.length; i++) now[i] = from[i]! + done * (to[i]! - from[i]!);
    }
    return part < 1;
  }
}
