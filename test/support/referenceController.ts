import type { ControllerConfig, Weights } from '../../src/core/controller/config.js';
import { parameterShapes } from '../../src/core/controller/weights.js';
import { Tape, type Var } from './tape.js';

/** A vector of variables; a matrix is a list of its rows, a sequence a list of its positions. */
type Vector = Var[];

/**
 * The controller in float64, cell by cell, straight from REFERENCE §4 to §7; gradients come from the tape. What engines are
 * compared with where the golden figures do not reach: other shapes, extreme weights. Tokens are row-major [rows, length];
 * gradients are flat, in the order of `parameterShapes`.
 */
export class ReferenceController {
  readonly #tape = new Tape();
  /** Rows of each parameter; a bias is one row. */
  readonly #parameters = new Map<string, Vector[]>();
  readonly #parameterCount: number;

  constructor(
    readonly config: ControllerConfig,
    weights: Weights,
  ) {
    for (const [name, shape] of parameterShapes(config)) {
      const flat = Array.from(weights[name]!, (value) => this.#tape.constant(value));
      const width = shape.at(-1)!;
      const rows = Array.from({ length: flat.length / width }, (_, r) =>
        flat.slice(r * width, (r + 1) * width),
      );
      this.#parameters.set(name, rows);
    }
    this.#parameterCount = this.#tape.length;
  }

  /** `encoder_outputs` [rows, length, dim] */
  outputs(tokens: Int32Array): number[] {
    return this.#perCell(tokens, (cell) => this.#encode(cell).flatMap((v) => this.#values(v))).flat();
  }

  /** `arch_emb` [rows, dim] */
  embed(tokens: Int32Array): number[] {
    return this.#perCell(tokens, (cell) => this.#values(this.#mean(this.#encode(cell)))).flat();
  }

  /** [rows] */
  predict(tokens: Int32Array): number[] {
    return this.#perCell(tokens, (cell) => this.#value(this.#predict(this.#mean(this.#encode(cell)))));
  }

  /** Greedy decoding [rows, length], and each row's smallest gap between the two best logits. */
  reconstruct(tokens: Int32Array): { decoded: number[]; margins: number[] } {
    const rows = this.#perCell(tokens, (cell) => this.#decodeGreedily(this.#encode(cell)));
    return { decoded: rows.flatMap((row) => row.decoded), margins: rows.map((row) => row.margin) };
  }

  /** NAO's move (REFERENCE §7), and the margins as in {@link reconstruct}. */
  propose(tokens: Int32Array, step: number) {
    const rows = this.#perCell(tokens, (cell) => {
      const outputs = this.#encode(cell);
      const gradient = this.#tape.gradient([[this.#predict(this.#mean(outputs)), 1]]);
      const moved = outputs.map((output) =>
        this.#normalise(output.map((v) => this.#tape.constant(this.#value(v) + step * gradient[v]!))),
      );
      const embedding = this.#mean(moved);
      const predicted = this.#value(this.#predict(embedding));
      return { ...this.#decodeGreedily(moved), predicted, embedding: this.#values(embedding) };
    });
    return {
      decoded: rows.flatMap((row) => row.decoded),
      margins: rows.map((row) => row.margin),
      predicted: rows.map((row) => row.predicted),
      embeddings: rows.flatMap((row) => row.embedding),
    };
  }

  /** Eq. 2: mean NLL over rows·length, and the gradient of that plus `metricGradient`·arch_emb. */
  pretrain(tokens: Int32Array, metricGradient?: ArrayLike<number>) {
    const { dim } = this.config;
    const gradient = new Float64Array(this.#parameterCount);
    let reconstruction = 0;
    this.#perCell(tokens, (cell, row) => {
      const outputs = this.#encode(cell);
      const embedding = this.#mean(outputs);
      const loss = this.#negativeLog(cell, outputs, embedding);
      reconstruction += this.#value(loss) / tokens.length;
      const metric = embedding.map((v, f): [Var, number] => [v, metricGradient?.[row * dim + f] ?? 0]);
      this.#addGradient(gradient, [[loss, 1 / tokens.length], ...metric]);
    });
    return { reconstruction, gradient };
  }

  /** Eq. 1: λ·MSE + (1 − λ)·NLL, its parts and its gradient. */
  search(tokens: Int32Array, targets: ArrayLike<number>, tradeoff: number) {
    const gradient = new Float64Array(this.#parameterCount);
    let mse = 0;
    let reconstruction = 0;
    this.#perCell(tokens, (cell, row) => {
      const outputs = this.#encode(cell);
      const embedding = this.#mean(outputs);
      const loss = this.#negativeLog(cell, outputs, embedding);
      const predicted = this.#predict(embedding);
      const error = this.#value(predicted) - targets[row]!;
      mse += error ** 2 / targets.length;
      reconstruction += this.#value(loss) / tokens.length;
      this.#addGradient(gradient, [
        [loss, (1 - tradeoff) / tokens.length],
        [predicted, (tradeoff * 2 * error) / targets.length],
      ]);
    });
    return { total: tradeoff * mse + (1 - tradeoff) * reconstruction, mse, reconstruction, gradient };
  }

  /** `encoder_outputs` [length][dim] */
  #encode(cell: readonly number[]): Vector[] {
    const embedded = cell.map((token) => this.#matrix('encoder.embedding.weight')[token]!);
    const zeros = embedded[0]!.map(() => this.#tape.constant(0));
    const forward = this.#lstm('encoder.rnn', '', embedded, zeros, zeros);
    const reverse = this.#lstm('encoder.rnn', '_reverse', embedded.toReversed(), zeros, zeros).toReversed();
    return embedded.map((residual, t) =>
      this.#normalise(
        this.#plus(this.#linear('encoder.out_proj', [...forward[t]!, ...reverse[t]!]), residual),
      ),
    );
  }

  /** `arch_emb` [dim] */
  #mean(outputs: readonly Vector[]): Vector {
    return this.#normalise(
      outputs[0]!.map((_, f) =>
        this.#tape.scale(this.#tape.sum(outputs.map((o) => o[f]!)), 1 / outputs.length),
      ),
    );
  }

  #predict(embedding: Vector): Var {
    const relu = (x: Vector) => x.map((v) => this.#tape.relu(v));
    const r = relu(this.#linear('encoder.mlp.1', relu(this.#linear('encoder.mlp.0', embedding))));
    const [value] = this.#linear('encoder.regressor', this.#halfSum(embedding, r));
    return this.#tape.sigmoid(value!);
  }

  /** Teacher-forced −log p of the cell, summed over its positions. */
  #negativeLog(cell: readonly number[], outputs: readonly Vector[], embedding: Vector): Var {
    const inputs = [0, ...cell.slice(0, -1)];
    const embedded = inputs.map((token) => this.#matrix('decoder.embedding.weight')[token]!);
    const hidden = this.#lstm('decoder.rnn', '', embedded, embedding, embedding);
    return this.#tape.sum(
      hidden.map((h, t) => {
        const logits = this.#logits(embedded[t]!, h, outputs);
        return this.#tape.add(this.#tape.logSumExp(logits), this.#tape.scale(logits[cell[t]!]!, -1));
      }),
    );
  }

  #decodeGreedily(outputs: readonly Vector[]): { decoded: number[]; margin: number } {
    const decoded: number[] = [];
    let margin = Number.POSITIVE_INFINITY;
    let h = this.#mean(outputs);
    let c = h;
    let token = 0;
    for (let t = 0; t < this.config.length; t++) {
      const embedded = this.#matrix('decoder.embedding.weight')[token]!;
      [h, c] = this.#lstmCell('decoder.rnn', '', embedded, h, c);
      const logits = this.#values(this.#logits(embedded, h, outputs));
      const [best, second] = logits.toSorted((a, b) => b - a);
      margin = Math.min(margin, best! - second!);
      token = logits.indexOf(best!);
      decoded.push(token);
    }
    return { decoded, margin };
  }

  /** The decoder after its LSTM, at one position. */
  #logits(embedded: Vector, h: Vector, outputs: readonly Vector[]): Vector {
    const y = this.#halfSum(embedded, h);
    const q = this.#times('decoder.attention.input_proj.weight', y);
    const scores = outputs.map((output) => this.#tape.dot(q, output));
    const logSum = this.#tape.scale(this.#tape.logSumExp(scores), -1);
    const attention = scores.map((score) => this.#tape.exp(this.#tape.add(score, logSum)));
    const mix = y.map((_, f) =>
      this.#tape.dot(
        attention,
        outputs.map((output) => output[f]!),
      ),
    );
    const o = this.#times('decoder.attention.output_proj.weight', [...mix, ...y]).map((v) =>
      this.#tape.tanh(v),
    );
    return this.#linear('decoder.out', this.#halfSum(y, o));
  }

  /** Hidden states [length][dim] */
  #lstm(name: string, direction: string, inputs: readonly Vector[], h0: Vector, c0: Vector): Vector[] {
    let [h, c] = [h0, c0];
    return inputs.map((input) => {
      [h, c] = this.#lstmCell(name, direction, input, h, c);
      return h;
    });
  }

  #lstmCell(name: string, direction: string, input: Vector, h: Vector, c: Vector): [Vector, Vector] {
    const tape = this.#tape;
    const part = (kind: string) => `${name}.${kind}_l0${direction}`;
    const gates = this.#plus(
      this.#plus(this.#times(part('weight_ih'), input), this.#matrix(part('bias_ih'))[0]!),
      this.#plus(this.#times(part('weight_hh'), h), this.#matrix(part('bias_hh'))[0]!),
    );
    const d = this.config.dim;
    const [i, f, g, o] = [0, 1, 2, 3].map((gate) =>
      gates.slice(gate * d, (gate + 1) * d).map((v) => (gate === 2 ? tape.tanh(v) : tape.sigmoid(v))),
    ) as [Vector, Vector, Vector, Vector];
    const cell = c.map((v, j) => tape.add(tape.mul(f[j]!, v), tape.mul(i[j]!, g[j]!)));
    return [cell.map((v, j) => tape.mul(o[j]!, tape.tanh(v))), cell];
  }

  #linear(name: string, x: Vector): Vector {
    return this.#plus(this.#times(`${name}.weight`, x), this.#matrix(`${name}.bias`)[0]!);
  }

  #times(name: string, x: Vector): Vector {
    return this.#matrix(name).map((row) => this.#tape.dot(row, x));
  }

  #plus(a: Vector, b: Vector): Vector {
    return a.map((v, j) => this.#tape.add(v, b[j]!));
  }

  /** (a + b)·√½ */
  #halfSum(a: Vector, b: Vector): Vector {
    return this.#plus(a, b).map((v) => this.#tape.scale(v, Math.SQRT1_2));
  }

  #normalise(x: Vector): Vector {
    const inverse = this.#tape.inverseRoot(this.#tape.dot(x, x), 1e-12);
    return x.map((v) => this.#tape.mul(v, inverse));
  }

  #matrix(name: string): Vector[] {
    return this.#parameters.get(name)!;
  }

  #value(v: Var): number {
    return this.#tape.values[v]!;
  }

  #values(x: Vector): number[] {
    return x.map((v) => this.#value(v));
  }

  #addGradient(gradient: Float64Array, seeds: [Var, number][]): void {
    const all = this.#tape.gradient(seeds);
    for (let i = 0; i < gradient.length; i++) gradient[i]! += all[i]!;
  }

  /** Each cell on a tape that holds nothing but the parameters. */
  #perCell<T>(tokens: Int32Array, f: (cell: number[], row: number) => T): T[] {
    const { length } = this.config;
    return Array.from({ length: tokens.length / length }, (_, row) => {
      this.#tape.truncate(this.#parameterCount);
      return f([...tokens.subarray(row * length, (row + 1) * length)], row);
    });
  }
}
