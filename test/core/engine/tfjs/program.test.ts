import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type Attribute,
  type Binding,
  type TensorId,
  Tensors,
} from '../../../../src/core/engine/tfjs/binding.js';
import { Graph, Program } from '../../../../src/core/engine/tfjs/program.js';

/** A binding of plain numbers that knows `Sum` and `Split`, logs what it does, and refuses what was freed. */
class FakeBinding implements Binding {
  readonly TF_Version = 'fake';
  readonly TF_FLOAT = 1;
  readonly TF_INT32 = 3;
  readonly TF_INT64 = 9;
  readonly TF_ATTR_TYPE = 1;
  readonly TF_ATTR_BOOL = 2;
  readonly TF_ATTR_INT = 3;
  readonly TF_ATTR_FLOAT = 4;
  readonly values = new Map<TensorId, number>();
  readonly log: string[] = [];
  #ids = 100;

  createTensor(_: readonly number[], __: number, values: Float32Array | Int32Array): TensorId {
    return this.#add(values[0]!);
  }
  deleteTensor(tensor: TensorId): void {
    if (!this.values.delete(tensor)) throw new Error(`freed twice: ${tensor}`);
    this.log.push('free');
  }
  tensorDataSync(tensor: TensorId): Float32Array {
    return Float32Array.of(this.values.get(tensor)!);
  }
  executeOp(
    op: string,
    _: readonly Attribute[],
    inputs: readonly TensorId[],
    outputs: number,
  ): { id: TensorId }[] {
    const operands = inputs.map((input) => {
      if (!this.values.has(input)) throw new Error(`used after it was freed: ${input}`);
      return this.values.get(input)!;
    });
    this.log.push(op);
    if (op === 'Fail') throw new Error('the op failed');
    const sum = operands.reduce((a, b) => a + b, 0);
    return Array.from({ length: outputs }, (_, i) => ({ id: this.#add(op === 'Split' ? sum + i : sum) }));
  }
  #add(value: number): TensorId {
    this.values.set(this.#ids, value);
    return this.#ids++;
  }
}

describe('a program', () => {
  let binding: FakeBinding;
  let tensors: Tensors;
  let graph: Graph;
  beforeAll(setUp);
  afterEach(setUp);
  function setUp() {
    binding = new FakeBinding();
    tensors = new Tensors(binding);
    graph = new Graph(binding);
  }
  const sum = (...inputs: ReturnType<Graph['consumed']>[]) => graph.op('Sum', [], inputs, 1)[0]!;
  const tensor = (value: number) => tensors.create([], Float32Array.of(value));

  test('frees each tensor right after its last use', () => {
    const x = graph.consumed('x');
    const first = sum(x, x);
    const second = sum(first, x);
    const program = new Program(tensors, graph, { result: sum(second, first) });
    const { result } = program.run({ x: tensor(1) });
    expect(tensors.read(result!)[0]).toBe(5);
    expect(binding.log).toEqual(['Sum', 'Sum', 'free', 'Sum', 'free', 'free']);
    expect(tensors.live).toBe(1);
  });

  test('leaves borrowed inputs alone and frees consumed ones that nothing needs', () => {
    const weight = graph.borrowed('weight');
    graph.consumed('unused');
    const program = new Program(tensors, graph, { result: sum(weight) });
    const inputs = { weight: tensor(2), unused: tensor(3) };
    const { result } = program.run(inputs);
    tensors.free(result!);
    expect([...binding.values.keys()]).toEqual([inputs.weight]);
  });

  test('runs what the outputs need and nothing else, outputs of an op that nobody wants are freed', () => {
    const x = graph.consumed('x');
    sum(x, x, x);
    const [, wanted] = graph.op('Split', [], [x], 3);
    const program = new Program(tensors, graph, { wanted: wanted! });
    expect(program.size).toBe(1);
    const { wanted: result } = program.run({ x: tensor(4) });
    expect(tensors.read(result!)[0]).toBe(5);
    expect(tensors.live).toBe(1);
  });

  test('computes what is recorded twice once; other attributes are another op', () => {
    const x = graph.consumed('x');
    expect(sum(x, x)).toBe(sum(x, x));
    const of = (value: number) => graph.op('Sum', [{ name: 'axis', type: 3, value }], [x], 1)[0]!;
    expect(of(0)).toBe(of(0));
    expect(of(0)).not.toBe(of(1));
    expect(graph.constant([], Float32Array.of(1))).toBe(graph.constant([], Float32Array.of(1)));
    expect(graph.constant([], Float32Array.of(1))).not.toBe(graph.constant([1], Float32Array.of(1)));
    expect(graph.constant([], Float32Array.of(1))).not.toBe(graph.constant([], Int32Array.of(1)));
  });

  test('keeps its constants over runs, makes only those in use, and gives them back', () => {
    graph.constant([], Float32Array.of(7));
    const program = new Program(tensors, graph, {
      result: sum(graph.consumed('x'), graph.constant([], Float32Array.of(10))),
    });
    expect(tensors.live).toBe(1);
    for (const x of [1, 2]) {
      const { result } = program.run({ x: tensor(x) });
      expect(tensors.read(result!)[0]).toBe(10 + x);
      tensors.free(result!);
    }
    expect(tensors.live).toBe(1);
    program.dispose();
    expect(tensors.live).toBe(0);
  });

  test('an op that fails leaves nothing but the borrowed inputs, and the program can run again', () => {
    const x = graph.consumed('x');
    const weight = graph.borrowed('weight');
    const early = sum(x, weight);
    const program = new Program(tensors, graph, {
      result: graph.op('Fail', [], [sum(early, x)], 1)[0]!,
      early,
    });
    const inputs = { weight: tensor(1) };
    for (let run = 0; run < 2; run++) {
      expect(() => program.run({ ...inputs, x: tensor(1) })).toThrow('the op failed');
      expect(tensors.live).toBe(1);
    }
  });

  test('refuses an input that it does not know, as nobody would free it', () => {
    const program = new Program(tensors, graph, { result: sum(graph.consumed('x')) });
    expect(() => program.run({ x: tensor(1), y: tensor(2) })).toThrow("no input 'y'");
  });
});
