import type { ControllerConfig } from '../../controller/config.js';
import { weightViews } from '../../controller/weights.js';
import { GreedyDecoder } from '../simd/greedyDecoder.js';
import type { TensorId, Tensors } from './binding.js';
import { type Folded, type FoldedName, fold, foldedShapes, unfoldGradients } from './fold.js';
import { type ProgramName, Programs } from './programs.js';

/** What a step asks of a shard: losses are sums over its rows, gradients already weighted for the whole batch. */
export interface ShardGradient {
  /** Σ −log p over positions. */
  loss: number;
  /** Σ (predicted − target)²; 0 in pretraining. */
  squaredError: number;
  /** Flat, in the order of the weights. */
  gradient: Float32Array;
}

export interface Proposals {
  decoded: Int32Array;
  predicted: Float32Array;
  embeddings: Float32Array;
}

/**
 * One controller on one thread: the rows of a batch that this thread computes, or all of them. Works synchronously; the
 * methods are exactly what a worker thread is asked to do.
 */
export class Shard {
  readonly #tensors: Tensors;
  readonly #decoder: GreedyDecoder;
  readonly #config: ControllerConfig;
  readonly #programs: Programs;
  #flat: Float32Array = new Float32Array();
  #weights: Record<string, TensorId> = {};
  /** Tapes of forward passes, by the handle that the caller chose. */
  readonly #tapes = new Map<number, { tensors: Record<string, TensorId>; previous: Int32Array }>();

  constructor(tensors: Tensors, decoder: GreedyDecoder, config: ControllerConfig) {
    this.#tensors = tensors;
    this.#decoder = decoder;
    this.#config = config;
    this.#programs = new Programs(tensors, config);
  }

  load(flat: Float32Array): void {
    this.#freeAll(this.#weights);
    this.#flat = flat;
    const shapes = foldedShapes(this.#config);
    const folded = fold(this.#config, weightViews(this.#config, flat));
    this.#weights = {};
    for (const name of Object.keys(shapes) as FoldedName[]) {
      this.#weights[name] = this.#tensors.create(shapes[name], folded[name]);
    }
  }

  /** Embeddings [rows, dim]; the tape is kept under `handle` until `pretrain` or `release`. */
  encode(handle: number, tokens: Int32Array): Float32Array {
    const zero = this.#zero(tokens);
    try {
      const tape = this.#programs.get('encode').run({ ...this.#weights, zero, tokens: this.#ints(tokens) });
      this.#tapes.set(handle, {
        tensors: { ...tape, zero },
        previous: previousTokens(tokens, this.#config.length),
      });
      return this.#tensors.read(tape['embedding.unit']!);
    } catch (error) {
      this.#tensors.free(zero);
      throw error;
    }
  }

  release(handle: number): void {
    const tape = this.#tapes.get(handle);
    this.#tapes.delete(handle);
    if (tape) this.#freeAll(tape.tensors);
  }

  /** @param share weight of one position's loss in the whole batch  @param metricGradient [rows, dim] */
  pretrain(handle: number, share: number, metricGradient: Float32Array): ShardGradient {
    const tape = this.#tapes.get(handle);
    if (!tape) throw new Error('these activations were used or disposed of before');
    this.#tapes.delete(handle);
    const { zero, ...kept } = tape.tensors;
    return this.#gradient('pretrain', zero!, {
      ...kept,
      previous: this.#ints(tape.previous),
      share: this.#floats([], Float32Array.of(share)),
      metricGradient: this.#floats([-1, 1, this.#config.dim], metricGradient),
    });
  }

  /** @param errorShare weight of one row's squared error in the whole batch */
  search(
    tokens: Int32Array,
    targets: Float32Array,
    share: number,
    errorShare: number,
    frozen: boolean,
  ): ShardGradient {
    const inputs = {
      tokens: this.#ints(tokens),
      previous: this.#ints(previousTokens(tokens, this.#config.length)),
      targets: this.#floats([-1, 1], targets),
      errorShare: this.#floats([], Float32Array.of(2 * errorShare)),
    };
    if (frozen) return this.#gradient('searchFrozen', this.#zero(tokens), inputs);
    return this.#gradient('search', this.#zero(tokens), {
      ...inputs,
      share: this.#floats([], Float32Array.of(share)),
    });
  }

  /** [rows, dim] */
  embed(tokens: Int32Array): Float32Array {
    const { embeddings } = this.#run('embed', this.#zero(tokens), { tokens: this.#ints(tokens) });
    return this.#take(embeddings!);
  }

  /** [rows] */
  predict(tokens: Int32Array): Float32Array {
    const { predicted } = this.#run('predict', this.#zero(tokens), { tokens: this.#ints(tokens) });
    return this.#take(predicted!);
  }

  /** [rows, length] */
  reconstruct(tokens: Int32Array): Int32Array {
    const { outputs, embeddings } = this.#run('outputs', this.#zero(tokens), { tokens: this.#ints(tokens) });
    return this.#decode(outputs!, this.#take(embeddings!));
  }

  propose(tokens: Int32Array, step: number): Proposals {
    const inputs = { tokens: this.#ints(tokens), step: this.#floats([], Float32Array.of(step)) };
    const made = this.#run('move', this.#zero(tokens), inputs);
    const embeddings = this.#take(made.embeddings!);
    return {
      decoded: this.#decode(made.outputs!, embeddings),
      predicted: this.#take(made.predicted!),
      embeddings,
    };
  }

  dispose(): void {
    for (const handle of [...this.#tapes.keys()]) this.release(handle);
    this.#freeAll(this.#weights);
    this.#weights = {};
    this.#programs.dispose();
  }

  /** Runs a program; `zero` is freed after it, whatever happens. */
  #run(name: ProgramName, zero: TensorId, inputs: Record<string, TensorId>): Record<string, TensorId> {
    try {
      return this.#programs.get(name).run({ ...this.#weights, ...inputs, zero });
    } finally {
      this.#tensors.free(zero);
    }
  }

  #gradient(name: ProgramName, zero: TensorId, inputs: Record<string, TensorId>): ShardGradient {
    const { loss, squaredError, ...folded } = this.#run(name, zero, inputs);
    const values: Partial<Folded<Float32Array>> = {};
    for (const [key, tensor] of Object.entries(folded)) values[key as FoldedName] = this.#take(tensor);
    const gradient = new Float32Array(this.#flat.length);
    unfoldGradients(
      this.#config,
      weightViews(this.#config, this.#flat),
      values,
      weightViews(this.#config, gradient),
    );
    return {
      loss: this.#take(loss!)[0]!,
      squaredError: squaredError === undefined ? 0 : this.#take(squaredError)[0]!,
      gradient,
    };
  }

  /** Greedy decoding: with the kernels where they take the shape, op by op where not. Frees `outputs`. */
  #decode(outputs: TensorId, embeddings: Float32Array): Int32Array {
    if (GreedyDecoder.takes(this.#config)) {
      return this.#decoder.decode(this.#config, this.#flat, this.#take(outputs), embeddings);
    }
    const rows = embeddings.length / this.#config.dim;
    const { decoded } = this.#programs.get('decode').run({
      ...this.#weights,
      ...{ outputs, embeddings: this.#floats([-1, 1, this.#config.dim], embeddings) },
      start: this.#tensors.create([rows], new Int32Array(rows)),
    });
    return this.#takeInts(decoded!);
  }

  #take(tensor: TensorId): Float32Array {
    const values = this.#tensors.read(tensor);
    this.#tensors.free(tensor);
    return values;
  }

  #takeInts(tensor: TensorId): Int32Array {
    const values = this.#tensors.readInt(tensor);
    this.#tensors.free(tensor);
    return values;
  }

  /** A tensor of a copy-free view; the size of the axis given as -1 follows. */
  #floats(shape: number[], values: Float32Array): TensorId {
    return this.#tensors.create(fill(shape, values.length), values);
  }

  #ints(tokens: Int32Array): TensorId {
    return this.#tensors.create(fill([-1, this.#config.length], tokens.length), tokens);
  }

  /** The LSTMs' first state. */
  #zero(tokens: Int32Array): TensorId {
    const shape = [this.#rows(tokens), this.#config.dim];
    return this.#tensors.create(shape, new Float32Array(shape[0]! * shape[1]!));
  }

  #rows(tokens: Int32Array): number {
    return tokens.length / this.#config.length;
  }

  #freeAll(tensors: Record<string, TensorId>): void {
    for (const tensor of Object.values(tensors)) this.#tensors.free(tensor);
  }
}

/** The decoder's input: the start token 0, then each row's tokens but the last. */
function previousTokens(tokens: Int32Array, length: number): Int32Array {
  const previous = new Int32Array(tokens.length);
  previous.set(tokens.subarray(0, -1), 1);
  for (let row = 0; row < tokens.length; row += length) previous[row] = 0;
  return previous;
}

function fill(shape: number[], size: number): number[] {
  const known = shape.reduce((product, n) => (n === -1 ? product : product * n), 1);
  return shape.map((n) => (n === -1 ? size / known : n));
}
