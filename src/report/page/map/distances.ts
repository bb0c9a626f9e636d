import { spaces } from './spaces.js';

/*
 * Exact edit distances from one cell to all others: seconds of work for a whole space. They are computed in a worker, whose script is the
 * page's own.
 */

/** Distances up to here are told apart; further cells have `limit + 1`. */
export const limit = 6;

/** The cells come with the first question. */
interface Question {
  space: string;
  cells?: Uint32Array;
  target: number;
}

/** Distances of the rows from `from` on. */
interface Answer {
  target: number;
  from: number;
  distances: Uint8Array;
}

const chunk = 4096;

/** The worker's side: answers the newest question, chunk by chunk, and drops the one before. */
export function serveDistances(): void {
  let cells = new Uint32Array(0);
  let newest = 0;
  addEventListener('message', async ({ data }: MessageEvent<Question>) => {
    if (data.cells) cells = data.cells as typeof cells;
    const own = ++newest;
    const { distance } = spaces[data.space]!;
    for (let from = 0; from < cells.length; from += chunk) {
      const distances = Uint8Array.from(cells.subarray(from, from + chunk), (cell) =>
        distance(data.target, cell, limit),
      );
      postMessage({ target: data.target, from, distances } satisfies Answer);
      await new Promise((resolve) => setTimeout(resolve)); // newer questions come in
      if (own !== newest) return;
    }
  });
}

/** The page's side. */
export class Distances {
  readonly #worker: Worker;
  readonly #space: string;
  #cells: Uint32Array | undefined;
  #target: number | undefined;

  /** @param script text of the page's script @param onDistances told how many rows are known */
  constructor(script: string, space: string, cells: Uint32Array, onDistances: (known: number) => void) {
    this.#space = space;
    this.#cells = cells;
    this.values = new Uint8Array(cells.length).fill(limit + 1);
    this.#worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
    this.#worker.addEventListener(
      'message',
      ({ data: { target, from, distances } }: MessageEvent<Answer>) => {
        if (target !== this.#target) return;
        this.values.set(distances, from);
        onDistances(from + distances.length);
      },
    );
  }

  /** Distances to the cell that was asked for last, as far as they are known. */
  readonly values: Uint8Array;

  ask(target: number): void {
    if (target === this.#target) return;
    this.#target = target;
    this.values.fill(limit + 1);
    this.#worker.postMessage({
      space: this.#space,
      target,
      ...(this.#cells && { cells: this.#cells }),
    } satisfies Question);
    this.#cells = undefined;
  }

  close(): void {
    this.#worker.terminate();
  }
}
