import type { ControllerConfig, Weights } from '../../src/core/controller/config.js';
import { parameterShapes } from '../../src/core/controller/weights.js';
import { Tape, type Var } from './tape.js';

/** A vector of variables; a matrix is a list of its rows. */
type Vector = Var[];

/**
 * The controller in float64, cell by cell, straight from REFERENCE §4 to §7; gradients come from the tape. What engines are
 * compared with where the golden figures do not reach: other shapes, extreme weights. Tokens are row-major [rows, length].
 */
export class AutodiffController {
  readonly #tape = new Tape();
  readonly #parameters = new Map<string, Vector>();
  readonly #parameterCount: number;

  constructor(
    readonly config: ControllerConfig,
    weights: Weights,
  ) {
    for (const name of parameterShapes(config).keys()) {
      this.#parameters.set(
        name,
        Array.from(weights[name]!, (value) => this.#tape.constant(value)),
      );
    }
    this.#parameterCount = this.#tape.length;
  }

  /** `arch_emb` [rows, dim] */
  embed(tokens: Int32Array): number[] {
    return this.#cells(tokens).flatMap((cell) => this.#values(this.#archEmb(this.#encode(cell))));
  }

  /** [rows] */
  predict(tokens: Int32Array): number[] {
    return this.#cells(tokens).flatMap((cell) =>
      this.#values([this.#predict(this.#archEmb(this.#encode(cell)))]),
    );
  }

  /** Greedy decoding [rows, length], and the smallest gap between the two best logits of each row. */
  reconstruct(tokens: Int32Array): { decoded: number[]; margins: number[] } {
    const rows = this.#cells(tokens).map((cell) => this.#decodeGreedily(this.#encode(cell)));
    return { decoded: rows.flatMap((row) => row.decoded), margins: rows.map((row) => row.margin) };
  }

  /** NAO's move, REFERENCE §7. */
  propose(tokens: Int32Array, step: number) {
    const rows = this.#cells(tokens).map((cell) => {
      const outputs = this.#encode(cell);
      const gradient = this.#tape.gradient([[this.#predict(this.#archEmb(outputs)), 1]]);
      const moved = outputs.map((output) =>
        this.#normalise(output.map((v) => this.#tape.constant(this.#tape.values[v]! + step * gradient[v]!))),
      );
      const embedding = this.#archEmb(moved);
      const predicted = this.#tape.values[this.#predict(embedding)]!;
      return { ...this.#decodeGreedily(moved), predicted, embedding: this.#values(embedding) };
    });
    return {
      decoded: rows.flatMap((row) => row.decoded),
      margins: rows.map((row) => row.margin),
      predicted: rows.map((row) => row.predicted),
      embeddings: rows.flatMap((row) => row.embedding),
    };
  }

  /** Eq. 2: mean NLL over rows·length, and the gradient of it plus `metricGradient`·arch_emb, flat. */
  pretrain(tokens: Int32Array, metricGradient?: ArrayLike<number>) {
    const { dim } = this.config;
    const gradient = new Float64Array(this.#parameterCount);
    let reconstruction = 0;
    this.#cells(tokens).forEach((cell, row) => {
      const outputs = this.#encode(cell);
      const embedding = this.#archEmb(outputs);
      const loss = this.#negativeLogs(cell, outputs, embedding);
      reconstruction += this.#tape.values[loss]! / tokens.length;
      const metric = embedding.map((v, f): [Var, number] => [v, metricGradient?.[row * dim + f] ?? 0]);
      addTo(gradient, this.#tape.gradient([[loss, 1 / tokens.length], ...metric]));
    });
    return { reconstruction, gradient };
  }

  /** Eq. 1: λ·MSE + (1 − λ)·NLL, and its gradient, flat. */
  search(tokens: Int32Array, targets: ArrayLike<number>, tradeoff: number) {
    const gradient = new Float64Array(this.#parameterCount);
    let [mse, reconstruction] = [0, 0];
    this.#cells(tokens).forEach((cell, row) => {
      const outputs = this.#encode(cell);
      const embedding = this.#archEmb(outputs);
      const loss = this.#negativeLogs(cell, outputs, embedding);
      const predicted = this.#predict(embedding);
      const error = this.#tape.values[predicted]! - targets[row]!;
      mse += error ** 2 / targets.length;
      reconstruction += this.#tape.values[loss]! / tokens.length;
      addTo(
        gradient,
        this.#tape.gradient([
          [loss, (1 - tradeoff) / tokens.length],
          [predicted, (tradeoff * 2 * error) / targets.length],
        ]),
      );
    });
    return { total: tradeoff * mse + (1 - tradeoff) * reconstruction, mse, reconstruction, gradient };
  }

  /** Each cell's tokens; the tape of the cell before is forgotten when the next one comes. */
  #cells(tokens: Int32Array): { map<T>(f: (cell: number[], row: number) => T): T[] } & {
    flatMap<T>(f: (cell: number[]) => T[]): T[];
    forEach(f: (cell: number[], row: number) => void): void;
  } {
    const { length } = this.config;
    const rows = Array.from({ length: tokens.length / length }, (_, row) => [
      ...tokens.subarray(row * length, (row + 1) * length),
    ]);
    const fresh = <T>(f: (cell: number[], row: number) => T) => {
      return (cell: number[], row: number) => {
        this.#tape.truncate(this.#parameterCount);
        return f(cell, row);
      };
    };
    return {
      map: (f) => rows.map(fresh(f)),
      flatMap: (f) => rows.flatMap(fresh(f)),
      forEach: (f) => rows.forEach(fresh(f)),
    };
  }
}
