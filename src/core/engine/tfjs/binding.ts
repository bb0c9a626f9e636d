import { createRequire } from 'node:module';
import type { Tfjs } from './load.js';

/** A native tensor: the number that the binding gave it. */
export type TensorId = number;

/** What tfjs-node's native addon offers, as far as this engine uses it. */
export interface Binding {
  createTensor(shape: readonly number[], type: number, values: Float32Array | Int32Array): TensorId;
  deleteTensor(tensor: TensorId): void;
  /** Copies. */
  tensorDataSync(tensor: TensorId): Float32Array | Int32Array;
  executeOp(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly TensorId[],
    outputs: number,
  ): { id: TensorId }[];
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
}

/** An attribute of a TensorFlow op, in the binding's own form. */
export interface Attribute {
  name: string;
  type: number;
  value: number | boolean;
}

/** tfjs keeps its native addon in the backend object; raw ops skip the 5–14 µs that tfjs adds to each. */
export function bindingOf(tf: Tfjs): Binding {
  return (tf.backend() as unknown as { binding: Binding }).binding;
}

const require = createRequire(import.meta.url);

/** File of the native addon, once tfjs-node is loaded in this process. */
export function addonFile(): string {
  const file = Object.keys(require.cache).find((name) => name.endsWith('tfjs_binding.node'));
  if (file === undefined) throw new Error('tfjs-node is not loaded');
  return file;
}

/** The addon alone, with a TensorFlow context of its own for the calling thread: no tfjs around it, so it opens at once. */
export function openAddon(file: string): Binding {
  return require(file);
}

/**
 * The tensors of one owner: every one made is counted until it is freed. `tf.memory()` does not see them, as they never
 * pass through tfjs.
 */
export class Tensors {
  /** Tensors made and not yet freed. */
  live = 0;

  constructor(readonly binding: Binding) {}

  /** TensorFlow may go on reading `values`: never write to them afterwards. */
  create(shape: readonly number[], values: Float32Array | Int32Array): TensorId {
    const { TF_FLOAT, TF_INT32 } = this.binding;
    const tensor = this.binding.createTensor(
      shape,
      values instanceof Float32Array ? TF_FLOAT : TF_INT32,
      values,
    );
    this.live++;
    return tensor;
  }

  /** A scalar of type int64, below 2^31. */
  createInt64(value: number): TensorId {
    const tensor = this.binding.createTensor([], this.binding.TF_INT64, Int32Array.of(value, 0));
    this.live++;
    return tensor;
  }

  execute(
    op: string,
    attributes: readonly Attribute[],
    inputs: readonly TensorId[],
    outputs: number,
  ): { id: TensorId }[] {
    const made = this.binding.executeOp(op, attributes, inputs, outputs);
    this.live += made.length;
    return made;
  }

  /** A copy of the values. */
  read(tensor: TensorId): Float32Array {
    return this.binding.tensorDataSync(tensor) as Float32Array;
  }

  readInt(tensor: TensorId): Int32Array {
    return this.binding.tensorDataSync(tensor) as Int32Array;
  }

  free(tensor: TensorId): void {
    this.binding.deleteTensor(tensor);
    this.live--;
  }
}
