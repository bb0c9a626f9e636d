import type { Classes, EmbeddingBatch } from '../distances/index.js';
import type { Call } from '../kernels/kernels.js';
import { popcount, wordsPerRow } from './bits.js';

/** Mined triplets, listed: entry i of the three arrays is a triplet. Ready to be Arrow columns. */
export interface TripletList {
  anchor: Int32Array;
  positive: Int32Array;
  negative: Int32Array;
}

/** Mined pairs, listed. */
export interface PairList {
  anchor: Int32Array;
  other: Int32Array;
  /** 1 where `other` is a positive of the anchor, 0 where it is a negative. */
  positive: Uint8Array;
}

/** How often the pairs of a batch occur in a selection, for kernels. */
export interface PairCounts {
  /** Of each pair of {@link Classes}, [pairs]. */
  positives: Int32Array;
  /** Of (a, n), rows of `stride` numbers, a multiple of 8; 0 for rows of a's class and beyond the last row. */
  negatives: Uint16Array;
  stride: number;
}

/**
 * What a miner chose, in compact form: never a list of tuples. Losses ask for it anchor by anchor, as counts per pair (pair
 * losses) or as triplets; logs and tests list it. A selection is valid until its miner mines the same batch object again, or the
 * batch is loaded anew.
 */
export abstract class Selection {
  constructor(
    readonly classes: Classes,
    /** Tuples chosen, and tuples there were to choose from. */
    readonly size: number,
    readonly candidates: number,
  ) {}

  /** Positive and negative pairs, as often as they occur (of mined triplets: once per triplet). */
  abstract readonly positives: number;
  abstract readonly negatives: number;

  /** How often pair k of {@link Classes} occurs, for the pairs of anchor a; entries of `counts` [pairs]. */
  abstract positiveCounts(a: number, counts: Int32Array): void;

  /**
   * The distinct negatives of anchor a, ascending, into `rows`, and how often each occurs into `times`; returns their number. Both arrays
   * have room for n + 1 numbers.
   */
  abstract negativesOf(a: number, rows: Int32Array, times: Int32Array): number;

  /** Fills `counts`, or says which kernels do. */
  countPairs(_batch: EmbeddingBatch, { positives, negatives, stride }: PairCounts): readonly Call[] {
    const { rows } = this.classes;
    const found = new Int32Array(rows + 1);
    const times = new Int32Array(rows + 1);
    negatives.fill(0, 0, rows * stride);
    for (let a = 0; a < rows; a++) {
      this.positiveCounts(a, positives);
      const count = this.negativesOf(a, found, times);
      for (let i = 0; i < count; i++) negatives[a * stride + found[i]] = times[i];
    }
    return [];
  }

  /** The positive of the first tuple of anchor a, or −1: REFERENCE §5, NPairs. */
  abstract firstPositive(a: number): number;

  /** This selection as triplets. */
  abstract triplets(): Triplets;

  /**
   * Triplets from number `skip` on, at most `limit`, in lexicographic order (a, p, n). Costs a walk over all candidates: for logs,
   * analysis and tests.
   */
  listTriplets({ limit = Number.POSITIVE_INFINITY, skip = 0 } = {}): TripletList {
    const { rows, pairStart, positive } = this.classes;
    const triplets = this.triplets();
    const length = Math.max(0, Math.min(triplets.size - skip, limit));
    const list = {
      anchor: new Int32Array(length),
      positive: new Int32Array(length),
      negative: new Int32Array(length),
    };
    let place = -skip;
    for (let a = 0; a < rows && place < length; a++) {
      for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
        for (let n = 0; n < rows; n++) {
          if (!triplets.has(a, k, n)) continue;
          if (place >= 0 && place < length) {
            list.anchor[place] = a;
            list.positive[place] = positive[k];
            list.negative[place] = n;
          }
          place++;
        }
      }
    }
    return list;
  }

  /** The distinct pairs, by anchor, positives before negatives, each ascending; at most `limit`. */
  listPairs({ limit = Number.POSITIVE_INFINITY } = {}): PairList {
    const { rows, pairs, pairStart, positive } = this.classes;
    const positiveCount = new Int32Array(pairs);
    const negative = new Int32Array(rows + 1);
    const times = new Int32Array(rows + 1);
    const anchor: number[] = [];
    const other: number[] = [];
    const kind: number[] = [];
    const push = (a: number, x: number, isPositive: number) => {
      if (anchor.length >= limit) return;
      anchor.push(a);
      other.push(x);
      kind.push(isPositive);
    };
    for (let a = 0; a < rows && anchor.length < limit; a++) {
      this.positiveCounts(a, positiveCount);
      const negatives = this.negativesOf(a, negative, times);
      for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
        if (positiveCount[k] > 0) push(a, positive[k], 1);
      }
      for (let i = 0; i < negatives; i++) push(a, negative[i], 0);
    }
    return {
      anchor: Int32Array.from(anchor),
      other: Int32Array.from(other),
      positive: Uint8Array.from(kind),
    };
  }

  /** How often each row occurs in the tuples, as anchor, positive or negative, [n]. */
  occurrences(): Float64Array {
    const { rows, pairs, pairStart, positive } = this.classes;
    const counts = new Float64Array(rows);
    const positiveCount = new Int32Array(pairs);
    const negative = new Int32Array(rows + 1);
    const times = new Int32Array(rows + 1);
    for (let a = 0; a < rows; a++) {
      this.positiveCounts(a, positiveCount);
      const negatives = this.negativesOf(a, negative, times);
      for (let k = pairStart[a]; k < pairStart[a + 1]; k++) {
        counts[positive[k]] += positiveCount[k];
        counts[a] += this.anchorsPerPositive * positiveCount[k];
      }
      for (let i = 0; i < negatives; i++) {
        counts[negative[i]] += times[i];
        counts[a] += this.anchorsPerNegative * times[i];
      }
    }
    return counts;
  }

  /** How many anchors a positive and a negative pair stand for: a triplet's anchor is counted with its positive alone. */
  protected readonly anchorsPerPositive: number = 1;
  protected readonly anchorsPerNegative: number = 0;
}

/** Triplets in one of two compact forms. */
export type Triplets = BitTriplets | IntervalTriplets;

/** One bit a candidate: bit n of row k is triplet (a, p, n), where k is the number of pair (a, p). */
export class BitTriplets extends Selection {
  /** Words of one pair. */
  readonly width: number;

  constructor(
    classes: Classes,
    /** Bit sets, [pairs, width]. */
    readonly words: Int32Array,
    size: number,
    candidates = classes.candidates,
  ) {
    super(classes, size, candidates);
    this.width = wordsPerRow(classes.rows);
  }

  get positives() {
    return this.size;
  }

  get negatives() {
    return this.size;
  }

  triplets() {
    return this;
  }

  has(_a: number, k: number, n: number): boolean {
    return ((this.words[k * this.width + (n >> 5)] >>> (n & 31)) & 1) === 1;
  }

  positiveCounts(a: number, counts: Int32Array): void {
    const { words, width, classes } = this;
    for (let k = classes.pairStart[a]; k < classes.pairStart[a + 1]; k++) {
      let count = 0;
      for (let w = k * width; w < (k + 1) * width; w++) count += popcount(words[w]);
      counts[k] = count;
    }
  }

  /** Adds the bit sets of the anchor's pairs up, 32 columns at a time: plane b holds bit b of 32 counts. */
  negativesOf(a: number, rows: Int32Array, times: Int32Array): number {
    const { words, width, classes } = this;
    const { pairStart } = classes;
    const depth = 32 - Math.clz32(pairStart[a + 1] - pairStart[a]);
    let count = 0;
    for (let w = 0; w < width; w++) {
      let p0 = 0;
      let p1 = 0;
      let p2 = 0;
      for (let b = 3; b < depth; b++) planes[b] = 0;
      for (let at = pairStart[a] * width + w; at < pairStart[a + 1] * width; at += width) {
        const c0 = words[at];
        const c1 = p0 & c0;
        const c2 = p1 & c1;
        const c3 = p2 & c2;
        p0 ^= c0;
        p1 ^= c1;
        p2 ^= c2;
        if (c3 !== 0) carry(c3);
      }
      const end = Math.min(classes.rows, (w + 1) << 5);
      for (let n = w << 5, bit = 0; n < end; n++, bit++) {
        let occurs = ((p0 >>> bit) & 1) | (((p1 >>> bit) & 1) << 1) | (((p2 >>> bit) & 1) << 2);
        for (let b = 3; b < depth; b++) occurs |= ((planes[b] >>> bit) & 1) << b;
        // Written in any case and kept if it occurs: no jump.
        rows[count] = n;
        times[count] = occurs;
        count += occurs === 0 ? 0 : 1;
      }
    }
    return count;
  }

  override countPairs(
    { classArrays: { pairStart } }: EmbeddingBatch,
    { positives, negatives, stride }: PairCounts,
  ): readonly Call[] {
    return [['countWords', positives, negatives, this.words, pairStart, stride, this.width]];
  }

  firstPositive(a: number): number {
    const { words, width, classes } = this;
    for (let k = classes.pairStart[a]; k < classes.pairStart[a + 1]; k++) {
      for (let w = k * width; w < (k + 1) * width; w++) if (words[w] !== 0) return classes.positive[k];
    }
    return -1;
  }
}

/** Bit planes of {@link BitTriplets.negativesOf} from the fourth on: classes of up to eight rows, the usual size, need three. */
const planes = new Int32Array(32);

function carry(bits: number): void {
  for (let b = 3, rest = bits; rest !== 0; b++) {
    const next = planes[b] & rest;
    planes[b] ^= rest;
    rest = next;
  }
}

/** Places `first` up to `end` (excluded) as one number; class sizes are below 65,536. */
export const packSpan = (first: number, end: number) => (first << 16) | end;
export const spanFirst = (span: number) => span >>> 16;
export const spanEnd = (span: number) => span & 0xffff;

/**
 * For miners that compare distances to one anchor: with the anchor's positives in order of distance, the positives that make a
 * triplet with a given negative are neighbours, so that one span a negative says it all.
 */
export class IntervalTriplets extends Selection {
  constructor(
    classes: Classes,
    /** Pair numbers of each anchor's positives, nearest first, [pairs]. */
    readonly order: Int32Array,
    /** Triplets of (a, n): the {@link packSpan span} of a's positives in `order`, [n, n]; 0, empty, for rows of a's class. */
    readonly spans: Int32Array,
    size: number,
  ) {
    super(classes, size, classes.candidates);
  }

  get positives() {
    return this.size;
  }

  get negatives() {
    return this.size;
  }

  triplets() {
    return this;
  }

  has(a: number, k: number, n: number): boolean {
    const begin = this.classes.pairStart[a];
    const span = this.spans[a * this.classes.rows + n];
    for (let place = spanFirst(span); place < spanEnd(span); place++) {
      if (this.order[begin + place] === k) return true;
    }
    return false;
  }

  positiveCounts(a: number, counts: Int32Array): void {
    const { rows, pairStart } = this.classes;
    const begin = pairStart[a];
    const stop = pairStart[a + 1];
    if (begin === stop) return;
    // How many more negatives a place has than the one before.
    const steps = new Int32Array(stop - begin + 1);
    for (let at = a * rows; at < (a + 1) * rows; at++) {
      steps[spanFirst(this.spans[at])]++;
      steps[spanEnd(this.spans[at])]--;
    }
    let count = 0;
    for (let k = begin; k < stop; k++) {
      count += steps[k - begin];
      counts[this.order[k]] = count;
    }
  }

  negativesOf(a: number, rows: Int32Array, times: Int32Array): number {
    const { spans } = this;
    const offset = a * this.classes.rows;
    let count = 0;
    for (let n = 0; n < this.classes.rows; n++) {
      const span = spans[offset + n];
      const occurs = spanEnd(span) - spanFirst(span);
      rows[count] = n;
      times[count] = occurs;
      count += occurs === 0 ? 0 : 1;
    }
    return count;
  }

  override countPairs(
    { rows, classArrays: { pairStart } }: EmbeddingBatch,
    { positives, negatives, stride }: PairCounts,
  ): readonly Call[] {
    return [['countSpans', positives, negatives, this.spans, this.order, pairStart, rows, stride]];
  }

  firstPositive(a: number): number {
    const { rows, pairStart, positive } = this.classes;
    const begin = pairStart[a];
    let first = pairStart[a + 1];
    for (let at = a * rows; at < (a + 1) * rows; at++) {
      const span = this.spans[at];
      for (let place = spanFirst(span); place < spanEnd(span); place++) {
        first = Math.min(first, this.order[begin + place]);
      }
    }
    return first < pairStart[a + 1] ? positive[first] : -1;
  }
}
