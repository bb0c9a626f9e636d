import { type Call, kernels } from '../kernels/kernels.js';
import { Arena } from './arena.js';
import { Classes } from './classes.js';

/** F.normalize of PyTorch divides by max(‖x‖, this). */
const smallestNorm = 1e-12;

/** {@link Classes} as kernels read them. */
export interface ClassArrays {
  readonly classOf: Int32Array;
  readonly pairStart: Int32Array;
  readonly positive: Int32Array;
}

/**
 * A batch of embeddings, L2-normalised in float64, and everything that miners and losses compute from it: matrices are made
 * when first asked for and then shared, scratch arrays are kept from one batch to the next. What hangs on a batch (matrices,
 * selections) is valid until the next `load`. Its arrays lie in the memory of the kernels and may be longer than said.
 */
export class EmbeddingBatch {
  /** Number of embeddings n, and their size. */
  rows = 0;
  dim = 0;
  classes = new Classes([]);
  /** False where a number is NaN or infinite: nothing is mined then, and every loss is NaN. */
  finite = true;
  /** Normalised embeddings u, row-major [n, dim]. */
  unit: Float64Array = new Float64Array(0);
  /** The same, four rows and all dimensions at a time, [n / 4, dim, 4], 0 beyond the last row. */
  panels: Float64Array = new Float64Array(0);
  /** The same, four dimensions and all rows at a time, [dim / 4, n, 4], 0 beyond the last dimension. */
  blocks: Float64Array = new Float64Array(0);
  /** Norms before normalisation, at least 1e-12, [n]. */
  norm: Float64Array = new Float64Array(0);
  /** ‖u‖² (1 but for zero rows and rounding) and the sum of u's entries, [n]. */
  square: Float64Array = new Float64Array(0);
  sum: Float64Array = new Float64Array(0);

  #labels = new Int32Array(0);
  #classArrays: ClassArrays | undefined;
  #arena = new Arena();
  #owned = new WeakMap<object, Arena>();
  #ready = new Set<string>();

  /**
   * Takes embeddings in, row-major [labels.length, dim]; `dim` follows from the lengths. Neither array is kept.
   * Zero rows stay zero.
   */
  load(embeddings: Float32Array | Float64Array, labels: Int32Array): this {
    const n = labels.length;
    const dim = n === 0 ? 0 : embeddings.length / n;
    if (!Number.isInteger(dim)) {
      throw new RangeError(`${embeddings.length} numbers are no embeddings of ${n} rows`);
    }
    this.rows = n;
    this.dim = dim;
    this.#ready.clear();
    this.#takeClasses(labels);
    this.unit = this.#arena.float64('unit', n * dim);
    this.panels = this.#arena.float64('panels', roundUp4(n) * dim).fill(0);
    this.blocks = this.#arena.float64('blocks', roundUp4(dim) * n).fill(0);
    this.norm = this.#arena.float64('norm', n);
    this.square = this.#arena.float64('square', n);
    this.sum = this.#arena.float64('sum', n);
    this.finite = true;
    for (let i = 0; i < n; i++) this.#normalise(embeddings, i);
    return this;
  }

  /** From batch to batch labels mostly differ by a constant. */
  #takeClasses(labels: Int32Array): void {
    const by = shiftOf(labels, this.#labels);
    if (by === 0) return;
    this.#labels = labels.slice();
    if (by === undefined) {
      this.classes = new Classes(labels);
      this.#classArrays = undefined;
    } else {
      this.classes = this.classes.shifted(by);
    }
  }

  #normalise(embeddings: Float32Array | Float64Array, i: number): void {
    const { dim, rows, unit, panels, blocks } = this;
    let square = 0;
    for (let d = i * dim; d < (i + 1) * dim; d++) square += embeddings[d] * embeddings[d];
    const norm = Math.max(Math.sqrt(square), smallestNorm);
    if (!(norm < Number.POSITIVE_INFINITY)) this.finite = false;
    this.norm[i] = norm;
    let unitSquare = 0;
    let sum = 0;
    const panel = (i >> 2) * dim * 4 + (i & 3);
    for (let d = 0; d < dim; d++) {
      const value = embeddings[i * dim + d] / norm;
      unit[i * dim + d] = value;
      panels[panel + 4 * d] = value;
      blocks[((d >> 2) * rows + i) * 4 + (d & 3)] = value;
      unitSquare += value * value;
      sum += value;
    }
    this.square[i] = unitSquare;
    this.sum[i] = sum;
  }

  /** Dot products of the normalised embeddings, [n, n]. */
  gram(): Float64Array {
    return this.matrix('gram', (gram) => ['dotRows', gram, this.panels, this.rows, this.dim]);
  }

  /** An [n, n] matrix that a kernel fills once for every batch. */
  matrix(name: string, fill: (matrix: Float64Array) => Call): Float64Array {
    const { rows } = this;
    const matrix = this.#arena.matrix(name, rows, rows);
    if (!this.#ready.has(name)) {
      kernels().run(rows, fill(matrix));
      this.#ready.add(name);
    }
    return matrix;
  }

  /** The batch's classes for kernels. */
  get classArrays(): ClassArrays {
    if (!this.#classArrays) {
      const copy = (name: string, from: Int32Array) => {
        const to = this.#arena.int32(name, from.length);
        to.set(from);
        return to;
      };
      const { classOf, pairStart, positive } = this.classes;
      this.#classArrays = {
        classOf: copy('classOf', classOf),
        pairStart: copy('pairStart', pairStart),
        positive: copy('positive', positive),
      };
    }
    return this.#classArrays;
  }

  /** Scratch arrays of one miner or loss on this batch; they keep their contents until their owner uses them again. */
  scratch(owner: object): Arena {
    let arena = this.#owned.get(owner);
    if (!arena) {
      arena = new Arena();
      this.#owned.set(owner, arena);
    }
    return arena;
  }
}

const roundUp4 = (n: number) => Math.ceil(n / 4) * 4;

/** By how much all of `a` is larger than `b`; undefined if not by the same. */
function shiftOf(a: Int32Array, b: Int32Array): number | undefined {
  if (a.length !== b.length) return undefined;
  if (a.length === 0) return 0;
  const by = a[0] - b[0];
  for (let i = 0; i < a.length; i++) if (a[i] - b[i] !== by) return undefined;
  return by;
}
