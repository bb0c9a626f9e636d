import type { Attribute } from './binding.js';
import type { Graph, Value } from './program.js';

/** The TensorFlow ops that the controller is made of, recorded into a graph under the names of the field. */
export class Ops {
  readonly #graph: Graph;
  readonly #float: Attribute;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#float = this.#type('T', graph.binding.TF_FLOAT);
  }

  /** [m, k] × [k, n] → [m, n] */
  matmul(a: Value, b: Value): Value {
    return this.#matmul(a, false, b, false);
  }

  /** a × bᵀ: [m, k] × [n, k] → [m, n]; the gradient of {@link matmul} by its left side. */
  matmulTransposed(a: Value, b: Value): Value {
    return this.#matmul(a, false, b, true);
  }

  /** aᵀ × b: [k, m] × [k, n] → [m, n]; the gradient of {@link matmul} by its right side. */
  transposedMatmul(a: Value, b: Value): Value {
    return this.#matmul(a, true, b, false);
  }

  /** One product a sample, [B, m, k] × [B, k, n] → [B, m, n], either side transposed first where asked. */
  batchMatmul(a: Value, b: Value, transposed: { a?: boolean; b?: boolean } = {}): Value {
    const attributes = [
      this.#bool('adj_x', transposed.a ?? false),
      this.#bool('adj_y', transposed.b ?? false),
      this.#float,
    ];
    return this.#one('BatchMatMulV2', attributes, [a, b]);
  }

  add(a: Value, b: Value): Value {
    return this.#one('AddV2', [this.#float], [a, b]);
  }

  /** Sum of tensors of one shape. */
  addAll(...values: Value[]): Value {
    return this.#one('AddN', [this.#int('N', values.length), this.#float], values);
  }

  sub(a: Value, b: Value): Value {
    return this.#one('Sub', [this.#float], [a, b]);
  }

  mul(a: Value, b: Value): Value {
    return this.#one('Mul', [this.#float], [a, b]);
  }

  scale(a: Value, factor: number): Value {
    return this.mul(a, this.scalar(factor));
  }

  scalar(value: number): Value {
    return this.#graph.constant([], Float32Array.of(value));
  }

  /** Rows of `a` plus the vector `bias`. */
  addBias(a: Value, bias: Value): Value {
    return this.#one('BiasAdd', [this.#float], [a, bias]);
  }

  addBiasGradient(gradient: Value): Value {
    return this.#one('BiasAddGrad', [this.#float], [gradient]);
  }

  relu(a: Value): Value {
    return this.#one('Relu', [this.#float], [a]);
  }

  reluGradient(gradient: Value, output: Value): Value {
    return this.#one('ReluGrad', [this.#float], [gradient, output]);
  }

  tanh(a: Value): Value {
    return this.#one('Tanh', [this.#float], [a]);
  }

  tanhGradient(gradient: Value, output: Value): Value {
    return this.#one('TanhGrad', [this.#float], [output, gradient]);
  }

  sigmoid(a: Value): Value {
    return this.#one('Sigmoid', [this.#float], [a]);
  }

  sigmoidGradient(gradient: Value, output: Value): Value {
    return this.#one('SigmoidGrad', [this.#float], [output, gradient]);
  }

  square(a: Value): Value {
    return this.#one('Square', [this.#float], [a]);
  }

  inverseSquareRoot(a: Value): Value {
    return this.#one('Rsqrt', [this.#float], [a]);
  }

  maximum(a: Value, b: Value): Value {
    return this.#one('Maximum', [this.#float], [a, b]);
  }

  log(a: Value): Value {
    return this.#one('Log', [this.#float], [a]);
  }

  /** Over the last axis. */
  softmax(a: Value): Value {
    return this.#one('Softmax', [this.#float], [a]);
  }

  /** Sums over one axis, which stays with size 1. */
  sum(a: Value, axis: number): Value {
    return this.#reduce('Sum', a, axis);
  }

  /** Means over one axis, which stays with size 1. */
  mean(a: Value, axis: number): Value {
    return this.#reduce('Mean', a, axis);
  }

  /** Largest index of the last axis of [B, n], the first of equals: int32 [B]. */
  argMax(a: Value): Value {
    const { TF_INT32 } = this.#graph.binding;
    const attributes = [this.#float, this.#type('Tidx', TF_INT32), this.#type('output_type', TF_INT32)];
    return this.#one('ArgMax', attributes, [a, this.#shape([], -1)]);
  }

  /** int32 [...] → float32 [..., depth] */
  oneHot(indices: Value, depth: number): Value {
    const attributes = [this.#int('axis', -1), this.#float, this.#type('TI', this.#graph.binding.TF_INT32)];
    return this.#one('OneHot', attributes, [indices, this.#shape([], depth), this.scalar(1), this.scalar(0)]);
  }

  reshape(a: Value, shape: readonly number[]): Value {
    const attributes = [this.#float, this.#type('Tshape', this.#graph.binding.TF_INT32)];
    return this.#one('Reshape', attributes, [a, this.#shape([shape.length], ...shape)]);
  }

  /** [x, y, n] → [y, x, n] */
  swapFirstAxes(a: Value): Value {
    const attributes = [this.#float, this.#type('Tperm', this.#graph.binding.TF_INT32)];
    return this.#one('Transpose', attributes, [a, this.#shape([3], 1, 0, 2)]);
  }

  /** The first axis in reverse order. */
  reverse(a: Value): Value {
    const attributes = [this.#float, this.#type('Tidx', this.#graph.binding.TF_INT32)];
    return this.#one('ReverseV2', attributes, [a, this.#shape([1], 0)]);
  }

  onesLike(a: Value): Value {
    return this.#one('OnesLike', [this.#float], [a]);
  }

  zerosLike(a: Value): Value {
    return this.#one('ZerosLike', [this.#float], [a]);
  }

  /** int32 tensors of one shape, stacked along a new axis. */
  stackInts(values: readonly Value[], axis: number): Value {
    const type = this.#type('T', this.#graph.binding.TF_INT32);
    return this.#one('Pack', [this.#int('N', values.length), type, this.#int('axis', axis)], values);
  }

  zeros(size: number): Value {
    return this.#graph.constant([size], new Float32Array(size));
  }

  /** A whole LSTM in one op, seven outputs; see lstm.ts. */
  blockLstm(length: number, inputs: readonly Value[]): Value[] {
    const attributes = [
      this.#attribute('cell_clip', 'FLOAT', 0),
      this.#bool('use_peephole', false),
      this.#float,
    ];
    return this.#graph.op('BlockLSTMV2', attributes, [this.#graph.int64(length), ...inputs], 7);
  }

  /** Its backward pass, eight outputs. */
  blockLstmGradient(length: number, inputs: readonly Value[]): Value[] {
    const attributes = [this.#bool('use_peephole', false), this.#float];
    return this.#graph.op('BlockLSTMGradV2', attributes, [this.#graph.int64(length), ...inputs], 8);
  }

  #matmul(a: Value, transposeA: boolean, b: Value, transposeB: boolean): Value {
    const attributes = [
      this.#bool('transpose_a', transposeA),
      this.#bool('transpose_b', transposeB),
      this.#float,
    ];
    return this.#one('MatMul', attributes, [a, b]);
  }

  #reduce(op: string, a: Value, axis: number): Value {
    const attributes = [
      this.#bool('keep_dims', true),
      this.#float,
      this.#type('Tidx', this.#graph.binding.TF_INT32),
    ];
    return this.#one(op, attributes, [a, this.#shape([1], axis)]);
  }

  #one(op: string, attributes: Attribute[], inputs: readonly Value[]): Value {
    return this.#graph.op(op, attributes, inputs, 1)[0]!;
  }

  #shape(shape: readonly number[], ...values: number[]): Value {
    return this.#graph.constant(shape, Int32Array.from(values));
  }

  #type(name: string, value: number): Attribute {
    return this.#attribute(name, 'TYPE', value);
  }

  #bool(name: string, value: boolean): Attribute {
    return this.#attribute(name, 'BOOL', value);
  }

  #int(name: string, value: number): Attribute {
    return this.#attribute(name, 'INT', value);
  }

  #attribute(name: string, kind: 'TYPE' | 'BOOL' | 'INT' | 'FLOAT', value: number | boolean): Attribute {
    return { name, type: this.#graph.binding[`TF_ATTR_${kind}`], value };
  }
}
