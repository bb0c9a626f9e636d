/** Index of a number on a {@link Tape}. */
export type Var = number;

/**
 * Reverse-mode differentiation of scalars in float64, as plain as it gets: each operation notes its result, what went in and the
 * partial derivatives. Slow and independent of anything it is a reference for.
 */
export class Tape {
  readonly values: number[] = [];
  /** Where each variable's inputs start in `inputs` and `partials`. */
  readonly #starts: number[] = [0];
  readonly #inputs: Var[] = [];
  readonly #partials: number[] = [];

  get length(): number {
    return this.values.length;
  }

  /** Forget everything after the first `length` variables. */
  truncate(length: number): void {
    this.values.length = length;
    this.#starts.length = length + 1;
    this.#inputs.length = this.#starts[length]!;
    this.#partials.length = this.#starts[length]!;
  }

  constant(value: number): Var {
    return this.#push(value, [], []);
  }

  add(a: Var, b: Var): Var {
    return this.#push(this.values[a]! + this.values[b]!, [a, b], [1, 1]);
  }

  sum(all: readonly Var[]): Var {
    return this.#push(
      all.reduce((total, x) => total + this.values[x]!, 0),
      all,
      all.map(() => 1),
    );
  }

  mul(a: Var, b: Var): Var {
    return this.#push(this.values[a]! * this.values[b]!, [a, b], [this.values[b]!, this.values[a]!]);
  }

  scale(a: Var, factor: number): Var {
    return this.#push(this.values[a]! * factor, [a], [factor]);
  }

  dot(a: readonly Var[], b: readonly Var[]): Var {
    const [x, y] = [a, b].map((vector) => vector.map((v) => this.values[v]!)) as [number[], number[]];
    return this.#push(
      x.reduce((total, value, i) => total + value * y[i]!, 0),
      [...a, ...b],
      [...y, ...x],
    );
  }

  tanh(a: Var): Var {
    const y = Math.tanh(this.values[a]!);
    return this.#push(y, [a], [1 - y * y]);
  }

  sigmoid(a: Var): Var {
    const y = 1 / (1 + Math.exp(-this.values[a]!));
    return this.#push(y, [a], [y * (1 - y)]);
  }

  relu(a: Var): Var {
    const x = this.values[a]!;
    return this.#push(Math.max(x, 0), [a], [x > 0 ? 1 : 0]);
  }

  /** 1/max(√a, least) */
  inverseRoot(a: Var, least: number): Var {
    const root = Math.sqrt(this.values[a]!);
    const y = 1 / Math.max(root, least);
    return this.#push(y, [a], [root > least ? (-y * y * y) / 2 : 0]);
  }

  /** ln Σ e^x */
  logSumExp(all: readonly Var[]): Var {
    const x = all.map((v) => this.values[v]!);
    const max = Math.max(...x);
    const total = x.reduce((sum, value) => sum + Math.exp(value - max), 0);
    const result = max + Math.log(total);
    return this.#push(
      result,
      all,
      x.map((value) => Math.exp(value - result)),
    );
  }

  exp(a: Var): Var {
    const y = Math.exp(this.values[a]!);
    return this.#push(y, [a], [y]);
  }

  /** d(Σ seeds·variables)/d(every variable) */
  gradient(seeds: readonly [Var, number][]): Float64Array {
    const gradient = new Float64Array(this.length);
    for (const [variable, seed] of seeds) gradient[variable]! += seed;
    for (let v = this.length - 1; v >= 0; v--) {
      const g = gradient[v]!;
      if (g === 0) continue;
      for (let i = this.#starts[v]!; i < this.#starts[v + 1]!; i++) {
        gradient[this.#inputs[i]!]! += g * this.#partials[i]!;
      }
    }
    return gradient;
  }

  #push(value: number, inputs: readonly Var[], partials: readonly number[]): Var {
    for (let i = 0; i < inputs.length; i++) {
      this.#inputs.push(inputs[i]!);
      this.#partials.push(partials[i]!);
    }
    this.#starts.push(this.#inputs.length);
    return this.values.push(value) - 1;
  }
}
