import type { Arena, Classes } from '../distances/index.js';
import { wordsPerRow } from './bits.js';
import { BitTriplets, IntervalTriplets, packSpan, Selection } from './selection.js';

/** Ordered pairs of unequal labels that a batch has: all but those of equal labels and the rows themselves. */
const negativePairs = ({ rows, pairs }: Classes) => rows * rows - pairs - rows;

/** Pairs chosen one by one, each at most once. */
export class PairSelection extends Selection {
  protected override readonly anchorsPerNegative = 1;
  readonly width: number;
  #triplets: BitTriplets | undefined;

  constructor(
    classes: Classes,
    /** 1 where pair k was chosen, [pairs]. */
    readonly chosen: Int32Array,
    readonly positives: number,
    /** Bit x of row a: (a, x) was chosen as a negative pair; [n, {@link wordsPerRow}]. */
    readonly words: Int32Array,
    readonly negatives: number,
    /** Order of the pairs of one anchor: ascending in this matrix [n, n]. */
    readonly order: Float64Array,
    readonly arena: Arena,
  ) {
    super(classes, positives + negatives, classes.pairs + negativePairs(classes));
    this.width = wordsPerRow(classes.rows);
  }

  positiveCounts(a: number, counts: Int32Array): void {
    const { pairStart } = this.classes;
    for (let k = pairStart[a]; k < pairStart[a + 1]; k++) counts[k] = this.chosen[k];
  }

  negativesOf(a: number, rows: Int32Array, times: Int32Array): number {
    const { words, width } = this;
    let count = 0;
    for (let x = 0; x < this.classes.rows; x++) {
      rows[count] = x;
      times[count] = 1;
      count += (words[a * width + (x >> 5)] >>> (x & 31)) & 1;
    }
    return count;
  }

  firstPositive(a: number): number {
    const [k] = this.#positivesOf(a);
    return k === undefined ? -1 : this.classes.positive[k];
  }

  /**
   * The pairs as triplets, as pytorch-metric-learning makes them: the anchor's positives and negatives side by side, the shorter list
   * repeated to the length of the longer one.
   */
  triplets(): BitTriplets {
    this.#triplets ??= this.#zip();
    return this.#triplets;
  }

  #zip(): BitTriplets {
    const { classes, width } = this;
    const words = this.arena.int32('zipped', classes.pairs * width);
    words.fill(0, 0, classes.pairs * width);
    let size = 0;
    for (let a = 0; a < classes.rows; a++) {
      const positives = this.#positivesOf(a);
      const negatives = this.#negativesOf(a);
      if (positives.length === 0 || negatives.length === 0) continue;
      const length = Math.max(positives.length, negatives.length);
      for (let i = 0; i < length; i++) {
        const n = negatives[i % negatives.length];
        words[positives[i % positives.length] * width + (n >> 5)] |= 1 << (n & 31);
      }
      size += length;
    }
    return new BitTriplets(classes, words, size);
  }

  /** Numbers of the anchor's chosen pairs, in order. */
  #positivesOf(a: number): number[] {
    const { rows, pairStart, positive } = this.classes;
    const numbers: number[] = [];
    for (let k = pairStart[a]; k < pairStart[a + 1]; k++) if (this.chosen[k]) numbers.push(k);
    return numbers.sort(
      (k, l) => this.order[a * rows + positive[k]] - this.order[a * rows + positive[l]] || k - l,
    );
  }

  #negativesOf(a: number): number[] {
    const { rows } = this.classes;
    const found: number[] = [];
    for (let x = 0; x < rows; x++) {
      if ((this.words[a * this.width + (x >> 5)] >>> (x & 31)) & 1) found.push(x);
    }
    return found.sort((x, y) => this.order[a * rows + x] - this.order[a * rows + y] || x - y);
  }
}

/** Nothing mined: every pair once, or every triplet. */
export class AllTuples extends Selection {
  readonly positives: number;
  readonly negatives: number;
  #triplets: IntervalTriplets | undefined;

  constructor(
    classes: Classes,
    readonly arena: Arena,
  ) {
    const negatives = negativePairs(classes);
    super(classes, classes.pairs + negatives, classes.pairs + negatives);
    this.positives = classes.pairs;
    this.negatives = negatives;
  }

  positiveCounts(a: number, counts: Int32Array): void {
    counts.fill(1, this.classes.pairStart[a], this.classes.pairStart[a + 1]);
  }

  negativesOf(a: number, rows: Int32Array, times: Int32Array): number {
    const { classOf } = this.classes;
    const own = classOf[a];
    let count = 0;
    for (let x = 0; x < classOf.length; x++) {
      rows[count] = x;
      times[count] = 1;
      count += classOf[x] === own ? 0 : 1;
    }
    return count;
  }

  firstPositive(a: number): number {
    const { pairStart, positive } = this.classes;
    return pairStart[a] < pairStart[a + 1] ? positive[pairStart[a]] : -1;
  }

  /** Without a miner every row weighs the same. */
  override occurrences(): Float64Array {
    return new Float64Array(this.classes.rows).fill(1);
  }

  triplets(): IntervalTriplets {
    this.#triplets ??= this.#all();
    return this.#triplets;
  }

  #all(): IntervalTriplets {
    const { rows, classOf, pairs, pairStart, candidates } = this.classes;
    const order = this.arena.int32('order', pairs);
    for (let k = 0; k < pairs; k++) order[k] = k;
    const spans = this.arena.int32('spans', rows * rows);
    for (let a = 0; a < rows; a++) {
      const all = packSpan(0, pairStart[a + 1] - pairStart[a]);
      for (let x = 0; x < rows; x++) spans[a * rows + x] = classOf[x] === classOf[a] ? 0 : all;
    }
    return new IntervalTriplets(this.classes, order, spans, candidates);
  }
}
