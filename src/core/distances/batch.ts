import { Classes } from './classes.js';
import { forStrips, mirror } from './gram.js';
import { stripKernel } from './kernels.js';

/** F.normalize of PyTorch divides by max(‖x‖, this). */
const smallestNorm = 1e-12;

/**
 * A batch of embeddings, L2-normalised in float64, and everything that miners and losses compute from it: matrices are made
 * when first asked for and then shared, scratch arrays are kept from one batch to the next. What hangs on a batch (matrices,
 * selections) is valid until the next `load`.
 */
export class EmbeddingBatch {
  /** Number of embeddings n, and their size. */
  rows = 0;
  dim = 0;
  classes = new Classes([]);
  /** False where a number is NaN or infinite: nothing is mined then, and every loss is NaN. */
  finite = true;
  /** Normalised embeddings u, row-major [n, dim]. */
  unit = new Float64Array(0);
  /** The same, column by column: [dim, n]. */
  unitT = new Float64Array(0);
  /** Norms before normalisation, at least 1e-12, [n]. */
  norm = new Float64Array(0);
  /** ‖u‖² (1 but for zero rows and rounding) and the sum of u's entries, [n]. */
  square = new Float64Array(0);
  sum = new Float64Array(0);

  #labels = new Int32Array(0);
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
    if (!equal(labels, this.#labels)) {
      this.#labels = labels.slice();
      this.classes = new Classes(labels);
    }
    this.unit = this.#arena.float64('unit', n * dim);
    this.unitT = this.#arena.float64('unitT', n * dim);
    this.norm = this.#arena.float64('norm', n);
    this.square = this.#arena.float64('square', n);
    this.sum = this.#arena.float64('sum', n);
    this.finite = true;
    for (let i = 0; i < n; i++) this.#normalise(embeddings, i);
    return this;
  }

  #normalise(embeddings: Float32Array | Float64Array, i: number): void {
    const { dim, rows, unit, unitT } = this;
    let square = 0;
    for (let d = i * dim; d < (i + 1) * dim; d++) square += embeddings[d] * embeddings[d];
    const norm = Math.max(Math.sqrt(square), smallestNorm);
    if (!(norm < Number.POSITIVE_INFINITY)) this.finite = false;
    this.norm[i] = norm;
    let unitSquare = 0;
    let sum = 0;
    for (let d = 0; d < dim; d++) {
      const value = embeddings[i * dim + d] / norm;
      unit[i * dim + d] = value;
      unitT[d * rows + i] = value;
      unitSquare += value * value;
      sum += value;
    }
    this.square[i] = unitSquare;
    this.sum[i] = sum;
  }

  /** Dot products of the normalised embeddings, [n, n]. */
  gram(): Float64Array {
    return this.matrix('gram', (gram) =>
      forStrips(stripKernel(this), gram, (i, height) => mirror(gram, this.rows, i, height)),
    );
  }

  /** An [n, n] matrix that is filled once for every batch. */
  matrix(name: string, fill: (matrix: Float64Array) => void): Float64Array {
    const matrix = this.#arena.float64(name, this.rows * this.rows);
    if (!this.#ready.has(name)) {
      fill(matrix);
      this.#ready.add(name);
    }
    return matrix;
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

/** Named typed arrays that grow and are never given back: no allocation in a steady state. Contents are what was left there. */
export class Arena {
  readonly #arrays = new Map<string, Float64Array | Int32Array>();

  /** At least `length` numbers. */
  float64(name: string, length: number): Float64Array<ArrayBuffer> {
    return this.#get(name, length, Float64Array) as Float64Array<ArrayBuffer>;
  }

  int32(name: string, length: number): Int32Array<ArrayBuffer> {
    return this.#get(name, length, Int32Array) as Int32Array<ArrayBuffer>;
  }

  #get(name: string, length: number, type: new (length: number) => Float64Array | Int32Array) {
    let array = this.#arrays.get(name);
    if (!array || array.length < length) {
      array = new type(length);
      this.#arrays.set(name, array);
    }
    return array;
  }
}

function equal(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
