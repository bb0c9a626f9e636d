import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tfjs } from './load.js';

/** What of tfjs-node's backend is used: any TensorFlow operation by name, also those that tfjs has no name for. */
interface NativeBackend {
  binding: Record<`TF_${string}`, number>;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[];
}

interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** Outputs of one batch normalisation over batch statistics. */
export interface Normalised {
  output: Tensor;
  mean: Tensor;
  variance: Tensor;
  /** What {@link CellOps.batchNormGradient} wants back. */
  saved: [Tensor, Tensor, Tensor];
}

/** NASBench-101's epsilon of batch normalisation. */
export const batchNormEpsilon = 1e-5;

export type CellOps = ReturnType<typeof cellOps>;

/**
 * The TensorFlow operations that training a cell's network needs, forward and backward, called directly: `tf.grads`
 * and the tfjs layers above these cost several times as much. All tensors are float32 and NHWC; convolutions and the
 * 3×3 max-pool have stride 1 and SAME padding, the 2×2 max-pool has stride 2 and VALID padding.
 */
export function cellOps(tf: Tfjs) {
  const backend = tf.backend() as unknown as NativeBackend;
  const { TF_ATTR_TYPE, TF_ATTR_STRING, TF_ATTR_INT, TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_FLOAT, TF_INT32 } =
    backend.binding as Record<string, number>;
  const attribute = (type: number | undefined) => (name: string, value: unknown) =>
    ({ name, type, value }) as Attribute;
  const dtype = attribute(TF_ATTR_TYPE);
  const text = attribute(TF_ATTR_STRING);
  const int = attribute(TF_ATTR_INT);
  const flag = attribute(TF_ATTR_BOOL);
  const real = attribute(TF_ATTR_FLOAT);

  const run = (name: string, attributes: Attribute[], inputs: Tensor[], outputs: number) =>
    backend.executeMultipleOutputs(name, attributes, inputs, outputs);
  const one = (name: string, attributes: Attribute[], ...inputs: Tensor[]) =>
    run(name, attributes, inputs, 1)[0] as Tensor;

  // Shapes and sizes are tensors to TensorFlow; they are few, so each is made once and kept.
  const kept = new Map<string, Tensor>();
  const keep = (key: string, make: () => Tensor) => {
    let tensor = kept.get(key);
    if (!tensor) {
      tensor = tf.keep(make());
      kept.set(key, tensor);
    }
    return tensor;
  };
  const int32 = (value: number) => keep(`${value}`, () => tf.scalar(value, 'int32'));
  const ints = (values: number[]) => keep(`[${values}]`, () => tf.tensor1d(values, 'int32'));
  const zeros = (shape: number[]) => keep(`zeros ${shape}`, () => tf.zeros(shape));

  const T = dtype('T', TF_FLOAT);
  const nhwc = text('data_format', 'NHWC');
  const unary = [T];
  const convolution = [
    T,
    int('strides', [1, 1, 1, 1]),
    text('padding', 'SAME'),
    nhwc,
    flag('use_cudnn_on_gpu', false),
    int('dilations', [1, 1, 1, 1]),
  ];
  const pooling = (size: number, stride: number, padding: string) => [
    T,
    int('ksize', [1, size, size, 1]),
    int('strides', [1, stride, stride, 1]),
    text('padding', padding),
    nhwc,
  ];
  const pool3 = pooling(3, 1, 'SAME');
  const pool2 = pooling(2, 2, 'VALID');
  const dilation = (stride: number, padding: string) => [
    T,
    int('strides', [1, stride, stride, 1]),
    int('rates', [1, 1, 1, 1]),
    text('padding', padding),
  ];
  const dilation3 = dilation(1, 'SAME');
  const dilation2 = dilation(2, 'VALID');
  const normalisation = [
    T,
    dtype('U', TF_FLOAT),
    real('epsilon', batchNormEpsilon),
    nhwc,
    flag('is_training', true),
  ];
  const matMul = (transposeA: boolean, transposeB: boolean) => [
    T,
    flag('transpose_a', transposeA),
    flag('transpose_b', transposeB),
  ];
  const products = { nn: matMul(false, false), tn: matMul(true, false), nt: matMul(false, true) };
  const reshape = [T, dtype('Tshape', TF_INT32)];
  const axis = dtype('Tidx', TF_INT32);
  const empty = tf.keep(tf.tensor1d([], 'float32'));

  return {
    convolve: (x: Tensor, filter: Tensor) => one('Conv2D', convolution, x, filter),
    convolveInputGradient: (x: Tensor, filter: Tensor, dy: Tensor) =>
      one('Conv2DBackpropInput', convolution, ints(x.shape), filter, dy),
    convolveFilterGradient: (x: Tensor, filter: Tensor, dy: Tensor) =>
      one('Conv2DBackpropFilter', convolution, x, ints(filter.shape), dy),

    batchNorm(x: Tensor, scale: Tensor, offset: Tensor): Normalised {
      const [output, mean, variance, ...saved] = run(
        'FusedBatchNormV3',
        normalisation,
        [x, scale, offset, empty, empty],
        6,
      ) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      return { output, mean, variance, saved };
    },
    /** Gradients by x, scale and offset. */
    batchNormGradient(dy: Tensor, x: Tensor, scale: Tensor, saved: Normalised['saved']) {
      const [dx, dScale, dOffset] = run('FusedBatchNormGradV3', normalisation, [dy, x, scale, ...saved], 5);
      return [dx, dScale, dOffset] as [Tensor, Tensor, Tensor];
    },

    relu: (x: Tensor) => one('Relu', unary, x),
    reluGradient: (dy: Tensor, y: Tensor) => one('ReluGrad', unary, dy, y),

    maxPool3: (x: Tensor) => one('MaxPool', pool3, x),
    /**
     * A max-pool is a dilation by a flat element, whose gradient also goes to the first maximum of the window and
     * takes 40 % of the time of `MaxPoolGrad` on the CPU.
     */
    maxPool3Gradient: (dy: Tensor, x: Tensor) =>
      one('Dilation2DBackpropInput', dilation3, x, zeros([3, 3, x.shape[3]!]), dy),
    maxPool2: (x: Tensor) => one('MaxPool', pool2, x),
    maxPool2Gradient: (dy: Tensor, x: Tensor) =>
      one('Dilation2DBackpropInput', dilation2, x, zeros([2, 2, x.shape[3]!]), dy),

    add: (a: Tensor, b: Tensor) => one('AddV2', unary, a, b),
    subtract: (a: Tensor, b: Tensor) => one('Sub', unary, a, b),
    multiply: (a: Tensor, b: Tensor) => one('Mul', unary, a, b),
    divide: (a: Tensor, b: Tensor) => one('RealDiv', unary, a, b),
    square: (x: Tensor) => one('Square', unary, x),
    sqrt: (x: Tensor) => one('Sqrt', unary, x),
    rsqrt: (x: Tensor) => one('Rsqrt', unary, x),
    softmax: (x: Tensor) => one('Softmax', unary, x),
    biasAdd: (x: Tensor, bias: Tensor) => one('BiasAdd', [T, nhwc], x, bias),
    biasAddGradient: (dy: Tensor) => one('BiasAddGrad', [T, nhwc], dy),
    matMul: (a: Tensor, b: Tensor, transposed: keyof typeof products = 'nn') =>
      one('MatMul', products[transposed], a, b),

    sum: (xs: Tensor[]) => (xs.length === 1 ? xs[0]! : run('AddN', [T, int('N', xs.length)], xs, 1)[0]!),
    mean: (x: Tensor, axes: number[]) => one('Mean', [T, axis, flag('keep_dims', false)], x, ints(axes)),
    /** Index of the largest element of each row, int32 [rows]. */
    argMax: (x: Tensor) => one('ArgMax', [T, axis, dtype('output_type', TF_INT32)], x, int32(1)),
    reshape: (x: Tensor, shape: number[]) => one('Reshape', reshape, x, ints(shape)),
    concat: (xs: Tensor[], along: number) =>
      xs.length === 1
        ? xs[0]!
        : run('ConcatV2', [T, int('N', xs.length), axis], [...xs, int32(along)], 1)[0]!,
    split: (x: Tensor, sizes: number[], along: number) =>
      sizes.length === 1
        ? [x]
        : run(
            'SplitV',
            [T, int('num_split', sizes.length), dtype('Tlen', TF_INT32)],
            [x, ints(sizes), int32(along)],
            sizes.length,
          ),

    dispose() {
      empty.dispose();
      for (const tensor of kept.values()) tensor.dispose();
      kept.clear();
    },
  };
}
