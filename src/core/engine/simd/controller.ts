import { type ControllerConfig, countRows, type Weights } from '../../controller/config.js';
import type { SgdStep } from '../../controller/sgd.js';
import { flatten, parameterCount, unflatten } from '../../controller/weights.js';
import { failure } from '../../errors.js';
import { maxShards } from '../../wasm/shards.js';
import type { Activations, Controller, PretrainStep, SearchLosses, SearchStep } from '../engine.js';
import { SimdActivations } from './activations.js';
import type { KernelExports } from './module.js';
import type { Runtime } from './runtime.js';
import { Scratch } from './scratch.js';
import type { Task } from './task.js';

/** Cells side by side in a chunk (assembly/lanes.ts). */
const lanes = 8;
/** Rows that go through inference at once: bounds the memory, and how long the event loop waits. */
const pieceRows = 4096;

/** Chunks that share steps in inference (GROUP in assembly/layout.ts). */
const groupChunks = 16;

/** How a batch is cut into shards: a matter of its size alone, so that any number of threads gives the same bits. */
function shardsOf(rows: number, leastChunks = 1): { chunksPerShard: number; shards: number } {
  const chunks = Math.ceil(rows / lanes);
  const chunksPerShard = Math.max(leastChunks, Math.ceil(chunks / maxShards));
  return { chunksPerShard, shards: Math.ceil(chunks / chunksPerShard) };
}

/** A controller as regions of the runtime's memory (assembly/layout.ts says what lies in them). */
export class SimdController implements Controller {
  readonly config: ControllerConfig;
  readonly #runtime: Runtime;
  readonly #onReleased: () => void;
  readonly #parameterCount: number;
  readonly #parameters: number;
  readonly #gradient: number;
  readonly #packed: number;
  readonly #sums: number;
  readonly #workspaces: number;
  /** Regions of activations that were not yet disposed of. */
  readonly #kept = new Set<number>();
  /** Counts the updates of the weights: activations of an earlier version are stale. */
  #version = 0;
  /** Methods under way: the regions are given back when the last one has ended. */
  #users = 0;
  #disposed = false;

  constructor(runtime: Runtime, config: ControllerConfig, weights: Weights, onReleased: () => void) {
    this.config = { ...config };
    this.#runtime = runtime;
    this.#onReleased = onReleased;
    const { arena } = runtime;
    const kernels = this.#kernels();
    this.#parameterCount = parameterCount(config);
    this.#parameters = arena.allocate(kernels.sizeOfParameters());
    this.#gradient = arena.allocate(kernels.sizeOfParameters());
    this.#packed = arena.allocate(kernels.sizeOfPacked());
    this.#sums = arena.allocate(kernels.sizeOfSums() * maxShards);
    this.#workspaces = arena.allocate(kernels.sizeOfWorkspace() * runtime.threads);
    this.#write(weights);
  }

  async encode(tokens: Int32Array): Promise<Activations> {
    return this.#use(async (scratch) => {
      const rows = countRows(this.config, tokens);
      const size = rows * this.config.dim;
      const kept = this.#kernels().sizeOfActivations() * Math.ceil(rows / lanes);
      const region = this.#runtime.arena.allocate(kept);
      this.#kept.add(region);
      const embeddings = scratch.floats(size);
      await this.#run({
        kind: 'encode',
        rows,
        tokens: scratch.ints(tokens),
        activations: region,
        embeddings,
      });
      return new SimdActivations(this, this.#version, rows, this.#floats(embeddings, size), region, () => {
        if (this.#kept.delete(region)) this.#runtime.arena.release(region);
      });
    });
  }

  async pretrainStep(
    activations: Activations,
    step: PretrainStep,
  ): Promise<{ reconstruction: number; gradientNorm: number }> {
    return this.#use(async (scratch) => {
      await this.#pretrain(scratch, activations, step.metricGradient, step.reconstructionWeight);
      const reconstruction = this.#losses()[0]! / (activations.rows * this.config.length);
      return { reconstruction, gradientNorm: this.#descend(step) };
    });
  }

  async searchStep(tokens: Int32Array, step: SearchStep): Promise<SearchLosses> {
    return this.#use(async (scratch) => {
      const { targets, tradeoff, freezeEncoder = false } = step;
      await this.#search(scratch, tokens, targets, tradeoff, freezeEncoder);
      const [negativeLogs, squares] = this.#losses();
      const mse = squares! / targets.length;
      const reconstruction = negativeLogs! / tokens.length;
      const total = tradeoff * mse + (1 - tradeoff) * reconstruction;
      return { total, mse, reconstruction, gradientNorm: this.#descend(step) };
    });
  }

  async pretrainGradients(
    tokens: Int32Array,
    metricGradient?: Float32Array | Float64Array,
  ): Promise<Weights> {
    const activations = await this.encode(tokens);
    try {
      return await this.#use(async (scratch) => {
        await this.#pretrain(scratch, activations, metricGradient);
        return unflatten(this.config, this.#floats(this.#gradient, this.#parameterCount));
      });
    } finally {
      activations.dispose();
    }
  }

  async searchGradients(tokens: Int32Array, targets: Float32Array, tradeoff: number): Promise<Weights> {
    return this.#use(async (scratch) => {
      await this.#search(scratch, tokens, targets, tradeoff, false);
      return unflatten(this.config, this.#floats(this.#gradient, this.#parameterCount));
    });
  }

  async embed(tokens: Int32Array): Promise<Float32Array> {
    const { dim } = this.config;
    const all = new Float32Array(countRows(this.config, tokens) * dim);
    await this.#inPieces(tokens, async (scratch, piece, rows, first) => {
      const embeddings = scratch.floats(rows * dim);
      await this.#run({ kind: 'embed', rows, tokens: piece, embeddings }, groupChunks);
      all.set(this.#floats(embeddings, rows * dim), first * dim);
    });
    return all;
  }

  async predict(tokens: Int32Array): Promise<Float32Array> {
    const all = new Float32Array(countRows(this.config, tokens));
    await this.#inPieces(tokens, async (scratch, piece, rows, first) => {
      const predicted = scratch.floats(rows);
      await this.#run({ kind: 'predict', rows, tokens: piece, predicted }, groupChunks / 2);
      all.set(this.#floats(predicted, rows), first);
    });
    return all;
  }

  async propose(
    tokens: Int32Array,
    step: number,
  ): Promise<{ decoded: Int32Array; predicted: Float32Array; embeddings: Float32Array }> {
    const { dim, length } = this.config;
    const total = countRows(this.config, tokens);
    const all = {
      decoded: new Int32Array(total * length),
      predicted: new Float32Array(total),
      embeddings: new Float32Array(total * dim),
    };
    await this.#inPieces(tokens, async (scratch, piece, rows, first) => {
      const decoded = scratch.floats(rows * length);
      const predicted = scratch.floats(rows);
      const embeddings = scratch.floats(rows * dim);
      await this.#run(
        { kind: 'propose', rows, tokens: piece, decoded, predicted, embeddings, step },
        groupChunks / 2,
      );
      all.decoded.set(this.#ints(decoded, rows * length), first * length);
      all.predicted.set(this.#floats(predicted, rows), first);
      all.embeddings.set(this.#floats(embeddings, rows * dim), first * dim);
    });
    return all;
  }

  async reconstruct(tokens: Int32Array): Promise<Int32Array> {
    const { length } = this.config;
    const all = new Int32Array(countRows(this.config, tokens) * length);
    await this.#inPieces(tokens, async (scratch, piece, rows, first) => {
      const decoded = scratch.floats(rows * length);
      await this.#run({ kind: 'reconstruct', rows, tokens: piece, decoded }, groupChunks / 2);
      all.set(this.#ints(decoded, rows * length), first * length);
    });
    return all;
  }

  async weights(): Promise<Weights> {
    this.#assertAlive();
    return unflatten(this.config, this.#floats(this.#parameters, this.#parameterCount));
  }

  async load(weights: Weights): Promise<void> {
    this.#assertAlive();
    this.#write(weights);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#users === 0) this.#release();
  }

  /** Eq. 2 forward through the decoder and backward through both, into the gradient region and the losses. */
  async #pretrain(
    scratch: Scratch,
    activations: Activations,
    metricGradient: Float32Array | Float64Array | undefined,
    reconstructionWeight = 1,
  ): Promise<void> {
    if (!(activations instanceof SimdActivations) || activations.controller !== this) {
      throw new TypeError('activations of another controller');
    }
    if (activations.disposed) throw new RangeError('the activations were disposed of');
    if (activations.version !== this.#version) {
      throw new RangeError('stale activations: the weights have changed since encode');
    }
    const { rows } = activations;
    const size = rows * this.config.dim;
    if (metricGradient && metricGradient.length !== size) {
      throw new RangeError(
        `metric gradient of ${metricGradient.length} values, expected [${rows}, ${this.config.dim}]`,
      );
    }
    const metric = metricGradient ? scratch.floats(metricGradient) : 0;
    await this.#differentiate({
      kind: 'pretrain',
      rows,
      activations: activations.region,
      metric,
      tradeoff: 1 - reconstructionWeight,
    });
  }

  /** Eq. 1 forward and backward, into the gradient region and the losses. */
  async #search(
    scratch: Scratch,
    tokens: Int32Array,
    targets: Float32Array,
    tradeoff: number,
    frozen: boolean,
  ): Promise<void> {
    const rows = countRows(this.config, tokens);
    if (targets.length !== rows) throw new RangeError(`${targets.length} targets for ${rows} sequences`);
    await this.#differentiate({
      kind: 'search',
      rows,
      tokens: scratch.ints(tokens),
      targets: scratch.floats(targets),
      tradeoff,
      frozen: Number(frozen),
    });
  }

  async #differentiate(task: Task & { rows: number }): Promise<void> {
    await this.#run({ ...task, sums: this.#sums });
    const kernels = this.#kernels();
    kernels.addShards(this.#sums, shardsOf(task.rows).shards);
    kernels.gradients(this.#gradient, this.#sums, this.#parameters);
  }

  /** Σ −log p over cells and positions, Σ (predicted − target)² over cells. */
  #losses(): Float64Array {
    return new Float64Array(this.#runtime.memory.buffer, this.#sums, 2);
  }

  /** SGD with the gradient of {@link #differentiate}; returns its norm before clipping. See `sgd` in controller/sgd.ts. */
  #descend({ learningRate, clipNorm }: SgdStep): number {
    const kernels = this.#kernels();
    const norm = kernels.gradientNorm(this.#gradient);
    const scale = clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
    kernels.descend(this.#parameters, this.#gradient, learningRate * scale);
    this.#changed();
    return norm;
  }

  #write(weights: Weights): void {
    const flat = flatten(this.config, weights);
    new Float32Array(this.#runtime.memory.buffer, this.#parameters, flat.length).set(flat);
    this.#changed();
  }

  /** After every change of the parameters. */
  #changed(): void {
    this.#kernels().packController(this.#packed, this.#parameters);
    this.#version++;
  }

  #run(task: Task & { rows: number }, leastChunks?: number): Promise<void> {
    const { chunksPerShard, shards } = shardsOf(task.rows, leastChunks);
    const regions = { packed: this.#packed, workspaces: this.#workspaces, chunks: chunksPerShard };
    return this.#runtime.run({ ...task, ...this.config, ...regions }, shards);
  }

  async #inPieces(
    tokens: Int32Array,
    compute: (scratch: Scratch, tokens: number, rows: number, first: number) => Promise<void>,
  ): Promise<void> {
    const { length } = this.config;
    const total = tokens.length / length;
    for (let first = 0; first < total; first += pieceRows) {
      if (first > 0) await new Promise((resolve) => setImmediate(resolve));
      const rows = Math.min(pieceRows, total - first);
      await this.#use((scratch) => {
        const piece = tokens.subarray(first * length, (first + rows) * length);
        return compute(scratch, scratch.ints(piece), rows, first);
      });
    }
  }

  /** The instance, set to this controller's shape. */
  #kernels(): KernelExports {
    const { kernels } = this.#runtime;
    const { vocabulary, length, dim, predictor } = this.config;
    kernels.configure(vocabulary, length, dim, predictor);
    return kernels;
  }

  /** Copies out of the memory. */
  #floats(address: number, count: number): Float32Array {
    return new Float32Array(this.#runtime.memory.buffer, address, count).slice();
  }

  #ints(address: number, count: number): Int32Array {
    return new Int32Array(this.#runtime.memory.buffer, address, count).slice();
  }

  /** Run a method that needs the regions; they outlast it, even if the controller is disposed of meanwhile. */
  async #use<T>(method: (scratch: Scratch) => Promise<T>): Promise<T> {
    this.#assertAlive();
    this.#users++;
    const scratch = new Scratch(this.#runtime);
    try {
      const result = await method(scratch);
      this.#assertAlive();
      return result;
    } finally {
      scratch.release();
      if (--this.#users === 0 && this.#disposed) this.#release();
    }
  }

  #assertAlive(): void {
    if (this.#disposed) throw failure('the controller was disposed of while it was in use', 'open a new one');
  }

  #release(): void {
    const { arena } = this.#runtime;
    const own = [this.#parameters, this.#gradient, this.#packed, this.#sums, this.#workspaces];
    for (const region of [...own, ...this.#kept]) arena.release(region);
    this.#kept.clear();
    this.#onReleased();
  }
}
