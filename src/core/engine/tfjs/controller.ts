import { type ControllerConfig, countRows, type Weights } from '../../controller/config.js';
import { type SgdStep, sgd } from '../../controller/sgd.js';
import { flatten, unflatten } from '../../controller/weights.js';
import { failure } from '../../errors.js';
import type { Activations, Controller, PretrainStep, SearchLosses, SearchStep } from '../engine.js';
import type { Proposals, ShardGradient } from './shard.js';
import { type ShardClient, split } from './threads.js';

/**
 * The controller over one or more shards: rows are dealt out, gradients are added up in the order of the shards, and the
 * update is made here, on the one true copy of the weights, which then goes to every shard.
 */
export class TfjsController implements Controller {
  readonly #shards: readonly ShardClient[];
  readonly #onDispose: () => void;
  readonly #flat: Float32Array;
  #handles = 0;
  #disposed = false;

  constructor(
    readonly config: ControllerConfig,
    weights: Weights,
    shards: readonly ShardClient[],
    onDispose: () => void,
  ) {
    this.#flat = flatten(config, weights);
    this.#shards = shards;
    this.#onDispose = onDispose;
    this.#share();
  }

  async encode(tokens: Int32Array): Promise<Activations> {
    const parts = this.#split(tokens);
    const handle = this.#handles++;
    const embeddings = await this.#all(
      parts.map(({ shard, rows }) => shard.call('encode', handle, this.#rowsOf(tokens, rows))),
    );
    return new TfjsActivations(tokens.length / this.config.length, concat(embeddings), handle, () => {
      if (this.#disposed) return;
      for (const { shard } of parts) shard.call('release', handle).catch(() => {});
    });
  }

  async pretrainStep(
    activations: Activations,
    step: PretrainStep,
  ): Promise<{ reconstruction: number; gradientNorm: number }> {
    const { loss, gradient } = await this.#pretrainGradient(
      activations,
      step.metricGradient,
      step.reconstructionWeight,
    );
    const gradientNorm = this.#update(gradient, step);
    return { reconstruction: loss / (activations.rows * this.config.length), gradientNorm };
  }

  async searchStep(tokens: Int32Array, step: SearchStep): Promise<SearchLosses> {
    const { targets, tradeoff, freezeEncoder = false } = step;
    const sums = await this.#searchGradient(tokens, targets, tradeoff, freezeEncoder);
    const mse = sums.squaredError / targets.length;
    const reconstruction = sums.loss / tokens.length;
    const gradientNorm = this.#update(sums.gradient, step);
    return { total: tradeoff * mse + (1 - tradeoff) * reconstruction, mse, reconstruction, gradientNorm };
  }

  async pretrainGradients(
    tokens: Int32Array,
    metricGradient?: Float32Array | Float64Array,
  ): Promise<Weights> {
    const activations = await this.encode(tokens);
    try {
      return unflatten(this.config, (await this.#pretrainGradient(activations, metricGradient)).gradient);
    } finally {
      activations.dispose();
    }
  }

  async searchGradients(tokens: Int32Array, targets: Float32Array, tradeoff: number): Promise<Weights> {
    return unflatten(this.config, (await this.#searchGradient(tokens, targets, tradeoff, false)).gradient);
  }

  async embed(tokens: Int32Array): Promise<Float32Array> {
    const parts = this.#split(tokens);
    return concat(
      await this.#all(parts.map(({ shard, rows }) => shard.call('embed', this.#rowsOf(tokens, rows)))),
    );
  }

  async predict(tokens: Int32Array): Promise<Float32Array> {
    const parts = this.#split(tokens);
    return concat(
      await this.#all(parts.map(({ shard, rows }) => shard.call('predict', this.#rowsOf(tokens, rows)))),
    );
  }

  async propose(tokens: Int32Array, step: number): Promise<Proposals> {
    const parts = this.#split(tokens);
    const made = await this.#all(
      parts.map(({ shard, rows }) => shard.call('propose', this.#rowsOf(tokens, rows), step)),
    );
    return {
      decoded: concat(made.map((part) => part.decoded)),
      predicted: concat(made.map((part) => part.predicted)),
      embeddings: concat(made.map((part) => part.embeddings)),
    };
  }

  async reconstruct(tokens: Int32Array): Promise<Int32Array> {
    const parts = this.#split(tokens);
    return concat(
      await this.#all(parts.map(({ shard, rows }) => shard.call('reconstruct', this.#rowsOf(tokens, rows)))),
    );
  }

  async weights(): Promise<Weights> {
    this.#assertAlive();
    return unflatten(this.config, this.#flat);
  }

  async load(weights: Weights): Promise<void> {
    this.#assertAlive();
    this.#flat.set(flatten(this.config, weights));
    this.#share();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const shard of this.#shards) shard.call('dispose').catch(() => {});
    this.#onDispose();
  }

  async #pretrainGradient(
    activations: Activations,
    metricGradient?: Float32Array | Float64Array,
    reconstructionWeight = 1,
  ): Promise<ShardGradient> {
    if (!(activations instanceof TfjsActivations)) throw new TypeError('activations of another engine');
    const { rows: total, handle } = activations;
    const { length, dim } = this.config;
    const share = reconstructionWeight / (total * length);
    const gradient = metricGradient ? Float32Array.from(metricGradient) : new Float32Array(total * dim);
    if (gradient.length !== total * dim)
      throw new RangeError(`metric gradient of ${gradient.length} values, expected [${total}, ${dim}]`);
    const calls = this.#split(total).map(({ shard, rows: [from, to] }) =>
      shard.call('pretrain', handle, share, gradient.slice(from * dim, to * dim)),
    );
    return sum(await this.#all(calls));
  }

  async #searchGradient(
    tokens: Int32Array,
    targets: Float32Array,
    tradeoff: number,
    frozen: boolean,
  ): Promise<ShardGradient> {
    const parts = this.#split(tokens);
    const share = (1 - tradeoff) / tokens.length;
    const errorShare = tradeoff / targets.length;
    if (targets.length * this.config.length !== tokens.length) {
      throw new RangeError(`${targets.length} targets for ${tokens.length / this.config.length} sequences`);
    }
    const calls = parts.map(({ shard, rows }) =>
      shard.call('search', this.#rowsOf(tokens, rows), targets.slice(...rows), share, errorShare, frozen),
    );
    return sum(await this.#all(calls));
  }

  /** Gradient norm before clipping. */
  #update(gradient: Float32Array, step: SgdStep): number {
    const norm = sgd(this.#flat, gradient, step);
    this.#share();
    return norm;
  }

  /** Every shard gets the weights of now. Not awaited: a shard keeps the order, and one that fails here fails the next call. */
  #share(): void {
    for (const shard of this.#shards) shard.call('load', this.#flat).catch(() => {});
  }

  #split(tokens: Int32Array | number): { shard: ShardClient; rows: [number, number] }[] {
    this.#assertAlive();
    const rows = typeof tokens === 'number' ? tokens : countRows(this.config, tokens);
    return split(rows, this.#shards.length).map((range, i) => ({ shard: this.#shards[i]!, rows: range }));
  }

  /** A copy, as it may go to another thread. */
  #rowsOf(tokens: Int32Array, [from, to]: [number, number]): Int32Array {
    return tokens.slice(from * this.config.length, to * this.config.length);
  }

  async #all<T>(calls: Promise<T>[]): Promise<T[]> {
    const results = await Promise.all(calls);
    this.#assertAlive();
    return results;
  }

  #assertAlive(): void {
    if (this.#disposed) throw failure('the controller was disposed of while it was in use', 'open a new one');
  }
}

class TfjsActivations implements Activations {
  #release: (() => void) | undefined;

  constructor(
    readonly rows: number,
    readonly embeddings: Float32Array,
    /** What the shards know them by. */
    readonly handle: number,
    release: () => void,
  ) {
    this.#release = release;
  }

  dispose(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

/** Added in the order of the shards. */
function sum([first, ...rest]: ShardGradient[]): ShardGradient {
  const total = first!;
  for (const { loss, squaredError, gradient } of rest) {
    total.loss += loss;
    total.squaredError += squaredError;
    for (let i = 0; i < gradient.length; i++) total.gradient[i]! += gradient[i]!;
  }
  return total;
}

function concat<T extends Float32Array | Int32Array>(parts: readonly T[]): T {
  if (parts.length === 1) return parts[0]!;
  const whole = new (parts[0]!.constructor as new (length: number) => T)(
    parts.reduce((size, part) => size + part.length, 0),
  );
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
