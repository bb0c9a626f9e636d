/**
 * Who is whose positive: a batch's labels as groups, and the ordered positive pairs (a, p) numbered in lexicographic order.
 * Everything that ranges over pairs or triplets is indexed by it; it depends on the labels alone.
 */
export class Classes {
  /** Number of rows n. */
  readonly rows: number;
  /** Number of distinct labels. */
  readonly count: number;
  /** The distinct labels, ascending; a class's id is its place here. */
  readonly label: Int32Array;
  /** Class id of each row, [n]. */
  readonly classOf: Int32Array;
  /** Rows of class c, ascending: `member[start[c] .. start[c + 1]]`. */
  readonly start: Int32Array;
  readonly member: Int32Array;
  /** The pairs of anchor a are numbers `pairStart[a] .. pairStart[a + 1]`, [n + 1]. */
  readonly pairStart: Int32Array;
  /** The positive of each pair, ascending within an anchor. */
  readonly positive: Int32Array;
  /** Number of ordered pairs (a, p): equal labels, a ≠ p. */
  readonly pairs: number;
  /** Number of candidate triplets (a, p, n). */
  readonly candidates: number;

  constructor(labels: ArrayLike<number>) {
    const n = labels.length;
    this.rows = n;
    this.label = Int32Array.from(new Set(Array.from(labels))).sort();
    this.count = this.label.length;
    const id = new Map(Array.from(this.label, (label, c) => [label, c]));
    this.classOf = Int32Array.from(labels, (label) => id.get(label)!);

    this.start = new Int32Array(this.count + 1);
    for (const c of this.classOf) this.start[c + 1]++;
    for (let c = 0; c < this.count; c++) this.start[c + 1] += this.start[c];
    this.member = new Int32Array(n);
    const next = this.start.slice();
    for (let i = 0; i < n; i++) this.member[next[this.classOf[i]]++] = i;

    this.pairStart = new Int32Array(n + 1);
    let candidates = 0;
    for (let a = 0; a < n; a++) {
      const size = this.size(this.classOf[a]);
      this.pairStart[a + 1] = this.pairStart[a] + size - 1;
      candidates += (size - 1) * (n - size);
    }
    this.pairs = this.pairStart[n];
    this.candidates = candidates;
    this.positive = new Int32Array(this.pairs);
    for (let a = 0, k = 0; a < n; a++) {
      const c = this.classOf[a];
      for (let m = this.start[c]; m < this.start[c + 1]; m++) {
        if (this.member[m] !== a) this.positive[k++] = this.member[m];
      }
    }
  }

  /** The classes of the same rows under labels that are all larger by `by`: the arrays but `label` are the same ones. */
  shifted(by: number): Classes {
    const label = this.label.map((value) => value + by);
    return Object.assign(Object.create(Classes.prototype), this, { label });
  }

  /** Number of rows of class `c`. */
  size(c: number): number {
    return this.start[c + 1] - this.start[c];
  }

  /** The number of pair (a, p); p must be another row of a's class. */
  pairOf(a: number, p: number): number {
    let low = this.pairStart[a];
    let high = this.pairStart[a + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.positive[middle] < p) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
