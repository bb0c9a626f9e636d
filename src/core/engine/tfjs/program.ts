import type { Attribute, Binding, TensorId, Tensors } from './binding.js';

/** A tensor that an op of a {@link Graph} will give. */
export type Value = number & { readonly __value: true };

interface Node {
  op: string;
  attributes: readonly Attribute[];
  inputs: readonly Value[];
  outputs: readonly Value[];
}

interface Constant {
  value: Value;
  make(tensors: Tensors): TensorId;
}

interface Input {
  value: Value;
  /** Whether a run frees it after its last use. */
  consumed: boolean;
}

/**
 * A computation written down once, in plain order, and then replayed by a {@link Program}. Recording is what makes freeing
 * each tensor right after its last use a matter of looking it up, instead of a line of code per tensor.
 */
export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs = new Map<string, Input>();
  readonly #constants = new Map<string, Constant>();
  readonly #known = new Map<string, Value[]>();
  #values = 0;

  constructor(readonly binding: Binding) {}

  get values(): number {
    return this.#values;
  }

  get constants(): Iterable<Constant> {
    return this.#constants.values();
  }

  /** A tensor that every run is given and that stays the caller's. */
  borrowed(name: string): Value {
    return this.#input(name, false);
  }

  /** A tensor that every run is given and frees. */
  consumed(name: string): Value {
    return this.#input(name, true);
  }

  /** A tensor that never changes; asked for twice, it is still one. */
  constant(shape: readonly number[], values: Float32Array | Int32Array): Value {
    return this.#constant(`${values.constructor.name} [${shape}] ${values}`, (tensors) =>
      tensors.create(shape, values),
    );
  }

  int64(value: number): Value {
    return this.#constant(`int64 ${value}`, (tensors) => tensors.createInt64(value));
  }

  /**
   * Any TensorFlow op without side effects, by its name in TensorFlow's registry, with its inputs in their order there.
   * What was recorded before is not computed a second time.
   */
  op(op: string, attributes: readonly Attribute[], inputs: readonly Value[], outputs: number): Value[] {
    const key = `${op} ${inputs} ${attributes.map(({ name, value }) => `${name}=${value}`)}`;
    const known = this.#known.get(key);
    if (known) return known;
    const values = Array.from({ length: outputs }, () => this.#value());
    this.nodes.push({ op, attributes, inputs, outputs: values });
    this.#known.set(key, values);
    return values;
  }

  #value(): Value {
    return this.#values++ as Value;
  }

  #input(name: string, consumed: boolean): Value {
    const known = this.inputs.get(name);
    if (known) return known.value;
    const value = this.#value();
    this.inputs.set(name, { value, consumed });
    return value;
  }

  #constant(key: string, make: Constant['make']): Value {
    const known = this.#constants.get(key);
    if (known) return known.value;
    const value = this.#value();
    this.#constants.set(key, { value, make });
    return value;
  }
}

interface Step extends Node {
  /** Filled anew at each run, to spare the allocation. */
  ids: TensorId[];
  /** Values whose last use this is. */
  frees: Value[];
}

const NONE = -1;

/** The part of a graph that the wanted outputs need, ready to run. Owns its constants. */
export class Program {
  readonly #tensors: Tensors;
  readonly #steps: Step[];
  readonly #inputs: ReadonlyMap<string, Input>;
  readonly #outputs: [string, Value][];
  /** The tensor of each value now; NONE where there is none. */
  readonly #ids: Int32Array;
  readonly #constants: TensorId[] = [];

  constructor(tensors: Tensors, graph: Graph, outputs: Readonly<Record<string, Value>>) {
    this.#tensors = tensors;
    this.#inputs = graph.inputs;
    this.#outputs = Object.entries(outputs);
    this.#steps = plan(
      graph,
      this.#outputs.map(([, value]) => value),
    );
    this.#ids = new Int32Array(graph.values).fill(NONE);
    const used = new Set(this.#steps.flatMap((step) => step.inputs));
    for (const { value, make } of graph.constants) {
      if (!used.has(value)) continue;
      this.#ids[value] = make(tensors);
      this.#constants.push(this.#ids[value]!);
    }
  }

  /** Number of ops a run executes. */
  get size(): number {
    return this.#steps.length;
  }

  /** The names of all attributes that a run mentions. */
  attributes(): Attribute[] {
    return this.#steps.flatMap((step) => step.attributes);
  }

  /** Runs every op in the order in which it was recorded. Consumed inputs are freed, also when an op fails. */
  run(inputs: Readonly<Record<string, TensorId>>): Record<string, TensorId> {
    const ids = this.#ids;
    const tensors = this.#tensors;
    for (const name of Object.keys(inputs)) {
      if (!this.#inputs.has(name)) throw new Error(`the program has no input '${name}'`);
    }
    for (const [name, { value }] of this.#inputs) ids[value] = inputs[name] ?? NONE;
    try {
      for (const step of this.#steps) {
        for (let i = 0; i < step.inputs.length; i++) step.ids[i] = ids[step.inputs[i]!]!;
        const made = tensors.execute(step.op, step.attributes, step.ids, step.outputs.length);
        for (let i = 0; i < made.length; i++) ids[step.outputs[i]!] = made[i]!.id;
        for (const value of step.frees) this.#free(value);
      }
      for (const { value, consumed } of this.#inputs.values()) if (consumed) this.#free(value);
      const results: Record<string, TensorId> = {};
      for (const [name, value] of this.#outputs) {
        results[name] = ids[value]!;
        ids[value] = NONE;
      }
      return results;
    } catch (error) {
      for (const step of this.#steps) for (const value of step.outputs) this.#free(value);
      for (const { value, consumed } of this.#inputs.values()) if (consumed) this.#free(value);
      throw error;
    }
  }

  dispose(): void {
    for (const constant of this.#constants.splice(0)) this.#tensors.free(constant);
  }

  #free(value: Value): void {
    const id = this.#ids[value]!;
    if (id === NONE) return;
    this.#ids[value] = NONE;
    this.#tensors.free(id);
  }
}

/** The needed nodes in their order, each with what can be freed after it. */
function plan(graph: Graph, outputs: readonly Value[]): Step[] {
  const needed = new Set<Value>(outputs);
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((value) => needed.has(value))) return false;
      for (const value of node.inputs) needed.add(value);
      return true;
    })
    .reverse();

  const kept = new Set<Value>(outputs);
  for (const { value } of graph.constants) kept.add(value);
  for (const { value, consumed } of graph.inputs.values()) if (!consumed) kept.add(value);
  const lastUse = new Map<Value, number>();
  nodes.forEach((node, at) => {
    for (const value of [...node.inputs, ...node.outputs]) if (!kept.has(value)) lastUse.set(value, at);
  });
  const steps = nodes.map((node): Step => ({ ...node, ids: [], frees: [] }));
  for (const [value, at] of lastUse) steps[at]!.frees.push(value);
  return steps;
}
